"""What acquire waits for, and in what words; what it does not wait for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.to_thread
import pytest
from orchestrator_spinnaker import conflicts
from orchestrator_spinnaker.access import open_gate
from orchestrator_spinnaker.errors import NotLetIn
from orchestrator_spinnaker.patience import clock_time
from orchestrator_spinnaker.trigger import new_correlation

from orchestrator.plugin import AdapterError
from spinnaker_tests.spinnaker_steps import PIPELINE, SOON, Steps, basic, patience
from tests.testbed.spinnaker.spinnaker_bed import Bed
from tests.testbed.spinnaker.spinnaker_gate import Call, Fault, Gate
from tests.testbed.spinnaker.spinnaker_pipelines import pipeline, verdict
from tests.testbed.spinnaker.spinnaker_users import ADA, GRACE

pytestmark = pytest.mark.spinnaker
HOLDS = "Bake"


@pytest.fixture(autouse=True)
def configured(gate: Gate) -> None:
    gate.configure(
        pipeline(PIPELINE, verdict(HOLDS, hold=True)),
        pipeline("Clean Up", verdict(HOLDS, hold=True)),
        pipeline("Other", verdict(HOLDS, hold=True)),
    )


@asynccontextmanager
async def acquiring(steps: Steps, **settings: Any) -> AsyncIterator[anyio.Event]:
    """An acquire that is at work as long as the block runs, and then ends by itself."""
    over = anyio.Event()

    async def acquire() -> None:
        await conflicts.acquire(steps.step(**settings))
        over.set()

    with anyio.fail_after(120):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(acquire)
            yield over


async def start(steps: Steps, spinnaker: Bed, name: str) -> str:
    """An execution started by hand, and where it holds."""
    id = await anyio.to_thread.run_sync(steps.gate.start_by_hand, name, ADA)
    await anyio.to_thread.run_sync(spinnaker.wait_until_stage, id, HOLDS, "RUNNING")
    return id


@pytest.mark.parametrize("name", [PIPELINE, "Clean Up"])
async def test_what_others_started_is_waited_for(steps: Steps, spinnaker: Bed, name: str) -> None:
    id = await start(steps, spinnaker, name)
    await start(steps, spinnaker, "Other")
    app = steps.gate.application
    async with acquiring(steps, conflicts=[f"{app}/Clean Up"]) as over:
        said = await steps.until_waiting(id)
        assert not over.is_set()
        await anyio.to_thread.run_sync(spinnaker.release, id, HOLDS)
    assert said.startswith(f"execution {id} of {app}/{name}, started by ada at ")
    assert said.endswith(f' (RUNNING at "{HOLDS}")')
    assert steps.log.count(f"{steps.gate.url}/pipelines/{id}") == 1, "it is said once"
    assert "nothing is in the way any more, after " in steps.log
    assert steps.bench.journal.waited_for[-1] is None
    assert steps.gate.asked(Call.TRIGGER)[2:] == []


async def test_a_restarted_daemon_says_it_no_second_time(steps: Steps, spinnaker: Bed) -> None:
    id = await start(steps, spinnaker, PIPELINE)
    with anyio.CancelScope() as daemon:
        async with acquiring(steps):
            await steps.until_waiting(id)
            daemon.cancel()
    steps.journal.waited_for.clear()
    async with acquiring(steps):
        await steps.until_waiting(id)
        await anyio.to_thread.run_sync(spinnaker.release, id, HOLDS)
    assert steps.log.count("waiting for execution") == 1


async def test_another_jobs_is_told_from_one_by_hand(steps: Steps, spinnaker: Bed) -> None:
    async with open_gate(steps.step()) as gate:
        app = steps.gate.application
        id = await gate.trigger(app, PIPELINE, {}, await new_correlation())
    async with acquiring(steps):
        said = await steps.until_waiting(id)
        assert f"of {app}/{PIPELINE}, started by ada for another job at " in said
        await anyio.to_thread.run_sync(spinnaker.wait_until_stage, id, HOLDS, "RUNNING")
        await anyio.to_thread.run_sync(spinnaker.release, id, HOLDS)


async def test_a_paused_one_is_live(steps: Steps, spinnaker: Bed) -> None:
    id = await start(steps, spinnaker, PIPELINE)
    with steps.gate.client() as client:
        client.put(f"/pipelines/{id}/pause").raise_for_status()
    await anyio.to_thread.run_sync(spinnaker.wait_until_status, id, "PAUSED")
    async with acquiring(steps):
        assert (await steps.until_waiting(id)).endswith("(PAUSED)")
        with steps.gate.client() as client:
            client.put(f"/pipelines/{id}/cancel").raise_for_status()


async def test_each_of_several_is_waited_for(steps: Steps, spinnaker: Bed) -> None:
    first = await start(steps, spinnaker, PIPELINE)
    second = await start(steps, spinnaker, "Clean Up")
    app = steps.gate.application
    async with acquiring(steps, conflicts=[f"{app}/Clean Up"]) as over:
        assert (await steps.until_waiting(first)).endswith(", and 1 more")
        await anyio.to_thread.run_sync(spinnaker.release, first, HOLDS)
        await steps.until_waiting(f"execution {second} of {app}/Clean Up")
        assert not over.is_set()
        await anyio.to_thread.run_sync(spinnaker.release, second, HOLDS)


async def test_what_is_ours_is_not_in_our_way(steps: Steps, spinnaker: Bed) -> None:
    id = await start(steps, spinnaker, PIPELINE)
    step = steps.step("apply")
    async with open_gate(step) as gate:
        config = await gate.pipeline(steps.gate.application, PIPELINE)
        (found,) = await conflicts.live_others(gate, step, [config.id])
        assert found.id == id
        assert await conflicts.live_others(gate, step, [config.id], id) == ()
    spinnaker.release(id, HOLDS)


# --- settings that do not fit ---------------------------------------------------------------


async def test_what_does_not_fit_fails_it(steps: Steps) -> None:
    step = steps.step(pipeline="Deplyo", conflicts=["x/y"])
    with pytest.raises(AdapterError) as refused:
        await conflicts.acquire(step)
    assert 'with.pipeline: application "' in str(refused.value)
    assert 'did you mean "Deploy"?; with.conflicts: ' in str(refused.value)


async def test_wrong_credentials_fail_it(steps: Steps) -> None:
    with pytest.raises(NotLetIn, match=r"the password of `auth\.basic` is wrong"):
        await conflicts.acquire(steps.step(auth=basic(GRACE.name, GRACE.password)))


async def test_triggers_are_warned_of_once_for_an_attempt(steps: Steps) -> None:
    cron = {"type": "cron", "enabled": True}
    steps.gate.configure(pipeline(PIPELINE, verdict(HOLDS), triggers=[cron]))
    for _ in range(2):
        await conflicts.acquire(steps.step())
    assert len(steps.warnings) == 1
    assert "has an enabled cron trigger, which starts it without us" in steps.warnings[0]


# --- a Gate that does not answer ------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "call", "cause"),
    [
        (Fault.GATE_503, Call.CONFIG, "it answers 503"),
        (Fault.HUNG, Call.CONFIG, f"no answer within {SOON} s"),
        (Fault.ORCA_DOWN, Call.EXECUTIONS, "it answers 500, it does not reach Orca"),
        (Fault.CUT_AFTER, Call.EXECUTIONS, "the connection was cut"),
        (Fault.NOT_JSON, Call.EXECUTIONS, "its answer is a web page"),
        (Fault.TRUNCATED, Call.EXECUTIONS, "the connection was cut"),
    ],
)
async def test_a_gate_that_fails_is_waited_for(
    steps: Steps, fault: Fault, call: Call, cause: str
) -> None:
    injected = steps.gate.faults.inject(fault, call)
    async with acquiring(steps, request_timeout=patience(fault)) as over:
        said = await steps.until_waiting(cause)
        assert said.startswith(f"Gate at {steps.gate.url} since ")
        assert not over.is_set()
        steps.gate.faults.lift(injected)
    assert steps.log.count("waiting for Gate: ") == 1
    assert "Gate answers again, after " in steps.log
    assert steps.bench.journal.waited_for[-1] is None


async def test_a_gate_that_is_away_is_waited_for(steps: Steps) -> None:
    steps.gate.down()
    async with acquiring(steps):
        await steps.until_waiting("connection refused")
        steps.gate.up()


def test_a_time_of_another_day_has_its_date() -> None:
    noon = 12 * 3600.0
    assert clock_time(noon, noon + 60) == "12:00 UTC"
    assert clock_time(noon, noon + 86400) == "1970-01-01 12:00 UTC"
