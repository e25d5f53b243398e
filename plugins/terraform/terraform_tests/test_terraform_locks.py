"""Locks: our own dead one is released, anybody else's never."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from orchestrator.plugin import AdapterError
from terraform_tests.terraform_bench import Life, TerraformBench, open_terraform_bench, until

pytestmark = [pytest.mark.slow, pytest.mark.terraform]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[TerraformBench]:
    async with open_terraform_bench(tmp_path) as bench:
        yield bench


async def killed_in_upload(bench: TerraformBench, *, learned: bool) -> Life:
    """A destruction whose terraform was killed while it uploaded its state, by force."""
    await bench.begin(bench.settings("apply"), attempt=9).whole()
    life = bench.begin(bench.settings("destroy"))
    await life.acquire()
    await kill_in_upload(bench, life, learned=learned)
    return life


async def kill_in_upload(bench: TerraformBench, life: Life, *, learned: bool) -> None:
    bench.server.upload_seconds = 60
    uploads, before = len(bench.requests("POST")), dict(bench.server.states)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(life.apply)
        await bench.requested("POST", uploads + 1)
        if learned:
            await life.learned()
        nursery.cancel_scope.cancel()
    await life.step.kill()
    bench.server.upload_seconds = 0
    bench.server.release_uploads.set()
    await until(lambda: not bench.server.uploading)
    bench.server.states = before  # a killed upload has not arrived
    assert bench.lock is not None


async def test_a_lock_of_our_killed_terraform(
    bench: TerraformBench,
) -> None:
    """A lock that our killed terraform left is released by its cleanup."""
    life = await killed_in_upload(bench, learned=True)
    assert (await life.cleanup()).clean
    assert bench.lock is None
    assert life.journal.warnings != []
    assert (await life.cleanup()).clean


async def test_the_next_acquire_releases_it_too(bench: TerraformBench) -> None:
    await killed_in_upload(bench, learned=True)
    following = bench.begin(bench.settings("apply"), attempt=2)
    assert (await following.whole()).succeeded
    assert "was left by step smoke of job 118" in following.journal.warnings[0]
    assert bench.lock is None


async def test_a_lock_that_may_be_ours(
    bench: TerraformBench,
) -> None:
    """A lock that can't be told to be ours makes the step dirty."""
    life = await killed_in_upload(bench, learned=False)
    left = bench.lock
    assert left is not None
    verdict = await life.cleanup()
    assert left["ID"] in verdict.found
    assert len(verdict.commands) == 1
    assert bench.lock == left
    typed = ["sh", "-c", verdict.commands[0]]
    assert (await life.step.probe(typed)).code == 0
    assert bench.lock is None
    assert (await life.cleanup()).clean


async def test_a_lock_that_is_not_released(
    bench: TerraformBench,
) -> None:
    """A backend that refuses to release our lock makes the step dirty."""
    life = await killed_in_upload(bench, learned=True)
    bench.server.refuse_unlock = True
    verdict = await life.cleanup()
    assert "refused to release" in verdict.found
    bench.server.refuse_unlock = False
    assert (await life.cleanup()).clean
    assert bench.lock is None


async def test_somebody_elses_lock_after_ours(
    bench: TerraformBench,
) -> None:
    """Somebody else's lock after our killed one is not touched."""
    life = await killed_in_upload(bench, learned=True)
    bench.server.hold("name", Who=bench.lock["Who"] if bench.lock else "")
    held, released = bench.lock, len(bench.requests("UNLOCK"))
    verdict = await life.cleanup()
    assert not verdict.clean
    following = bench.begin(bench.settings("apply", lock_timeout="0s"), attempt=2)
    with pytest.raises(AdapterError, match="11111111-2222"):
        await following.acquire()
    assert bench.lock == held
    assert len(bench.requests("UNLOCK")) == released


async def test_somebody_elses_lock_is_waited_for(bench: TerraformBench) -> None:
    bench.server.hold("name")
    life = bench.begin(bench.settings("apply"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(life.acquire)
        await until(lambda: life.journal.waited_for)
        assert bench.requests("UNLOCK") == []
        bench.server.locks.clear()
    assert life.journal.waited_for == [
        "state lock 11111111-2222-3333-4444-555555555555 "
        "of a holder that the backend does not name",
        None,
    ]


async def test_the_lock_of_another_step(
    bench: TerraformBench,
) -> None:
    """The lock of another step of ours that lives is waited for."""
    go_on = bench.steps.fifo("go_on")
    first = bench.begin(bench.settings("apply", vars={"command": f"read x < {go_on}"}))
    await first.acquire()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(first.apply)
        lock_id = await first.learned()
        second = bench.begin(bench.settings("plan"), attempt=2)
        nursery.start_soon(second.acquire)
        await until(lambda: second.journal.waited_for)
        await trio.to_thread.run_sync(go_on.write_text, "x\n")
    assert lock_id in str(second.journal.waited_for[0])
    assert str(second.journal.waited_for[0]).endswith("step smoke of job 118")


async def test_what_was_made_and_not_saved(
    bench: TerraformBench,
) -> None:
    """What a killed terraform made and did not save makes the step dirty."""
    life = bench.begin(bench.settings("apply", vars={"n": "it's"}))
    await life.acquire()
    await kill_in_upload(bench, life, learned=True)
    verdict = await life.cleanup()
    assert "which does not know terraform_data.a (id " in verdict.found
    assert bench.lock is None
    assert await life.cleanup() == verdict
    assert (await life.step.probe(["sh", "-c", verdict.commands[0]])).code == 0
    assert (await life.cleanup()).clean


async def test_an_unsaved_state_is_rescued(bench: TerraformBench) -> None:
    """A state that could not be saved is rescued."""
    bench.server.refuse_upload = True
    life = bench.begin(bench.settings("apply"))
    await life.acquire()
    result = await life.apply()
    assert not result.succeeded
    verdict = await life.cleanup()
    assert "could not save its state" in verdict.found
    assert not (bench.infra / "errored.tfstate").exists()
    assert (await life.cleanup()) == verdict
    bench.server.refuse_upload = False
    assert (await life.step.probe(["sh", "-c", verdict.commands[0]])).code == 0
    assert len(bench.state["resources"]) == 1
    assert (await life.cleanup()).clean


async def test_cleanup_releases_the_lock(
    bench: TerraformBench,
) -> None:
    """A lock that terraform could not release is released by cleanup."""
    go_on = bench.steps.fifo("go_on")
    life = bench.begin(bench.settings("apply", vars={"command": f"read x < {go_on}"}))
    await life.acquire()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(life.apply)
        await life.learned()
        bench.server.refuse_unlock = True
        await trio.to_thread.run_sync(go_on.write_text, "x\n")
    assert bench.lock is not None
    bench.server.refuse_unlock = False
    assert (await life.cleanup()).clean
    assert bench.lock is None


async def test_an_unreachable_backend_is_not_clean(bench: TerraformBench) -> None:
    """A backend that can't be reached is not called clean."""
    life = bench.begin(bench.settings("apply"))
    await life.acquire()
    await life.apply()
    bench.server.fail = True
    verdict = await life.cleanup()
    assert "could not be looked at" in verdict.found
    bench.server.fail = False
    assert (await life.cleanup()).clean
