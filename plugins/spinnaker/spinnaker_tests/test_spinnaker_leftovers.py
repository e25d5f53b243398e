"""How long cleanup goes on before it says what is left: a minute, of a clock that runs faster."""

import pytest
import trio
import trio.testing
from orchestrator_spinnaker.access import open_gate
from orchestrator_spinnaker.adapter import SpinnakerAdapter
from orchestrator_spinnaker.clock import utc
from orchestrator_spinnaker.notes import Notes
from orchestrator_spinnaker.trigger import new_correlation

from orchestrator.plugin import Cleanliness
from spinnaker_tests.spinnaker_steps import PIPELINE, Steps
from tests.testbed.spinnaker.spinnaker_bed import Bed
from tests.testbed.spinnaker.spinnaker_faults import Call
from tests.testbed.spinnaker.spinnaker_pipelines import pipeline, verdict

pytestmark = pytest.mark.spinnaker
STAYS = "stays"


@pytest.fixture
def fast_clock() -> trio.testing.MockClock:
    """Trio's, and so all pauses and timeouts of the adapter."""
    return trio.testing.MockClock(rate=20)


async def start(steps: Steps, spinnaker: Bed) -> str:
    """An execution of this attempt, which resists a cancel."""
    steps.gate.configure(pipeline(PIPELINE, verdict(STAYS, hold=True, stubborn=1000)))
    step = steps.step("apply", request_timeout="1h")
    correlation = await new_correlation()
    async with open_gate(step) as gate:
        id = await gate.trigger(steps.gate.application, PIPELINE, {}, correlation)
    await Notes(step.scratch).note(correlation=correlation, posted=utc(), execution=id)
    await trio.to_thread.run_sync(spinnaker.wait_until_stage, id, STAYS, "RUNNING")
    return id


async def cleaned_up(steps: Steps) -> tuple[Cleanliness, float]:
    """What cleanup says, and how many seconds it took."""
    began = trio.current_time()
    found = await SpinnakerAdapter().cleanup(steps.step("cleanup", request_timeout="1h"))
    return found, trio.current_time() - began


async def test_what_does_not_stop_is_waited_for(
    steps: Steps, spinnaker: Bed, fast_clock: trio.testing.MockClock
) -> None:
    id = await start(steps, spinnaker)
    found, took = await cleaned_up(steps)
    assert 60 <= took < 180
    url = f"{steps.gate.url}/pipelines/{id}"
    assert found.found == f"still live 60 s after its cancel: {url}"
    assert len(steps.gate.asked(Call.CANCEL)) == 1
    assert f"Spinnaker to stop {url}" in steps.waited_for


async def test_a_gate_that_is_away_is_waited_for(
    steps: Steps, spinnaker: Bed, fast_clock: trio.testing.MockClock
) -> None:
    id = await start(steps, spinnaker)
    steps.gate.down()
    found, took = await cleaned_up(steps)
    assert 60 <= took < 180
    assert found.found is not None
    assert found.found.startswith(f"whether {steps.gate.url}/pipelines/{id} is live could not")
