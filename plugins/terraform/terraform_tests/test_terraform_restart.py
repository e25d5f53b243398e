"""The daemon is killed in the middle, and another one enters the apply again."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from terraform_tests.terraform_bench import (
    TerraformBench,
    open_terraform_bench,
    start_daemon,
    until,
)

pytestmark = [pytest.mark.slow, pytest.mark.terraform]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[TerraformBench]:
    async with open_terraform_bench(tmp_path) as bench:
        yield bench


async def test_terraform_does_not_notice(
    bench: TerraformBench,
) -> None:
    """Terraform does not notice, and no line is lost or repeated."""
    go_on = bench.steps.fifo("go_on")
    command = f"echo line-1; echo line-2; read x < {go_on}; echo line-3"
    settings = bench.settings("apply", vars={"command": command})
    first = bench.begin(settings)
    await first.acquire()
    daemon = await start_daemon(bench.steps.state_dir, settings)
    await until(lambda: "(local-exec): line-2" in first.log())
    daemon.kill()
    await daemon.wait()

    second = bench.reenter(settings)
    results = []

    async def apply() -> None:
        results.append(await second.apply())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(apply)
        await second.learned()
        await trio.to_thread.run_sync(go_on.write_text, "x\n")
    assert (results[0].exit, results[0].summary) == (0, "+1 ~0 -0")
    lines = Counter(line for line in second.log().splitlines() if line.strip())
    for number in (1, 2, 3):
        assert lines[f"terraform_data.a: (local-exec): line-{number}"] == 1
    assert lines["Apply complete! Resources: 1 added, 0 changed, 0 destroyed."] == 1
    assert (
        lines["# terraform_data.a will be created"] + lines["  # terraform_data.a will be created"]
        == 1
    )
    assert len(bench.requests("POST")) == 1
    assert (await second.cleanup()).clean


async def test_entered_again_after_the_end(bench: TerraformBench) -> None:
    """Entered again after the end, it gives the same result."""
    settings = bench.settings("apply")
    life = bench.begin(settings)
    await life.acquire()
    result = await life.apply()
    log, locks = life.log(), len(bench.requests("LOCK"))
    assert await bench.reenter(settings).apply() == result
    assert life.log() == log
    assert len(bench.requests("LOCK")) == locks


async def test_a_killed_init_is_done_again(bench: TerraformBench) -> None:
    """An init that was killed half way is done again."""
    settings = bench.settings("apply")
    first = bench.begin(settings)
    await first.acquire()
    pointer = first.step.scratch / "data" / "terraform.tfstate"
    pointer.write_bytes(pointer.read_bytes()[:40])
    assert (await bench.reenter(settings).whole()).exit == 0
