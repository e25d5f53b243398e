"""Locks: our own dead one is released, anybody else's never."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from orchestrator.plugin import AdapterError
from terraform_tests.terraform_bench import Life, TerraformBench, open_terraform_bench, until

pytestmark = pytest.mark.terraform


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


async def test_a_lock_that_our_killed_terraform_left_is_released_by_its_cleanup(
    bench: TerraformBench,
) -> None:
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


async def test_a_lock_that_cannot_be_told_to_be_ours_makes_the_step_dirty(
    bench: TerraformBench,
) -> None:
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


async def test_a_backend_that_refuses_to_release_our_lock_makes_the_step_dirty(
    bench: TerraformBench,
) -> None:
    life = await killed_in_upload(bench, learned=True)
    bench.server.refuse_unlock = True
    verdict = await life.cleanup()
    assert "refused to release" in verdict.found
    bench.server.refuse_unlock = False
    assert (await life.cleanup()).clean
    assert bench.lock is None


async def test_somebody_elses_lock_after_our_killed_one_is_not_touched(
    bench: TerraformBench,
) -> None:
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


async def test_the_lock_of_another_step_of_ours_that_lives_is_waited_for(
    bench: TerraformBench,
) -> None:
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


async def test_what_a_killed_terraform_made_and_did_not_save_makes_the_step_dirty(
    bench: TerraformBench,
) -> None:
    life = bench.begin(bench.settings("apply", vars={"n": "it's"}))
    await life.acquire()
    await kill_in_upload(bench, life, learned=True)
    verdict = await life.cleanup()
    assert "which does not know terraform_data.a (id " in verdict.found
    assert bench.lock is None
    assert await life.cleanup() == verdict
    assert (await life.step.probe(["sh", "-c", verdict.commands[0]])).code == 0
    assert (await life.cleanup()).clean


async def test_a_state_that_could_not_be_saved_is_rescued(bench: TerraformBench) -> None:
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


async def test_a_lock_that_terraform_could_not_release_is_released_by_cleanup(
    bench: TerraformBench,
) -> None:
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


async def test_a_backend_that_cannot_be_reached_is_not_called_clean(bench: TerraformBench) -> None:
    life = bench.begin(bench.settings("apply"))
    await life.acquire()
    await life.apply()
    bench.server.fail = True
    verdict = await life.cleanup()
    assert "could not be looked at" in verdict.found
    bench.server.fail = False
    assert (await life.cleanup()).clean
