"""What takes ten seconds on a real clock: adapters that take no notice of force."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import trio

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import (
    Configuration,
    EnvironmentDefinition,
    PipelineDefinition,
    StepDefinition,
)
from orchestrator.engine.attempt.adapter_call import PATIENCE_AFTER_FORCE
from tests.simulation.deterministic import run_deterministically
from tests.simulation.sim_people import ADA
from tests.simulation.sim_scenario import Rates
from tests.simulation.sim_world import World, simulated_boot


async def forced(
    root: Path, phase: str, *, restart: bool, cancel: Sequence[str] | None = None
) -> list[ev.Stamped]:
    """Force a step whose adapter does not end in this phase for 50 s; the journal after 200 s."""
    config = {phase: ["run", "stubborn"], "stubborn_for": 50.0, "cancel": cancel}
    step = StepDefinition(name="go", uses="fake", config=config)
    web = PipelineDefinition(name="web", kind="deploy", steps=(step,), force_after=0.0)
    async with trio.open_nursery() as outside:
        world = World(0, root / "state", outside)
        world.faults.rates = Rates(slow_commit=0.0)
        world.configuration = Configuration(
            state_dir="/state",
            socket="",
            kinds={"deploy": ("deploy",)},
            environments={"one": EnvironmentDefinition(name="one")},
            pipelines={"web": web},
        )
        with simulated_boot(world):
            outside.start_soon(world.keep_a_daemon_running)
            engine = await world.reached()
            await engine.submit(cmd.Submit(ADA, "web", "one"))
            await trio.sleep(20)
            await engine.cancel(cmd.Cancel(ADA, 1, force=True))
            if restart:
                assert world.life is not None
                world.life.end()
            await trio.sleep(200)
            assert not any(execution.process.tree_alive for execution in world.witness.executions)
            outside.cancel_scope.cancel()
    if world.witness.violations:
        raise world.witness.violations[0]
    return [line for _, line in world.witness.lines]


@pytest.mark.parametrize("phase", ["acquire", "apply", "cleanup"])
def test_an_adapter_that_stays_after_force_is_abandoned(tmp_path: Path, phase: str) -> None:
    lines = run_deterministically(lambda: forced(tmp_path, phase, restart=False), 0)
    [force] = [line.at for line in lines if isinstance(line.event, ev.StepForced)]
    ends = [line for line in lines if isinstance(line.event, ev.StepFinished)]
    patience = ends[0].at.since(force) / 1000
    assert PATIENCE_AFTER_FORCE <= patience < PATIENCE_AFTER_FORCE + 1
    assert isinstance(ends[0].event, ev.StepFinished) and ends[0].event.finding is not None
    assert "did not end within 10 s" in ends[0].event.finding.found
    assert any(isinstance(line.event, ev.Quarantined) for line in lines)


def test_a_force_ends_one_phase(tmp_path: Path) -> None:
    """A force that a restart finds ends the phase, and not the next."""
    lines = run_deterministically(lambda: forced(tmp_path, "acquire", restart=True), 0)
    [end] = [line.event for line in lines if isinstance(line.event, ev.StepFinished)]
    assert end.finding is None
    assert not any(isinstance(line.event, ev.Quarantined) for line in lines)


def test_a_forced_stop_asks_no_more(tmp_path: Path) -> None:
    """What asks may be a command, and nobody would wait for that any more."""
    lines = run_deterministically(
        lambda: forced(tmp_path, "apply", restart=True, cancel=["run"]), 0
    )
    assert not any(
        isinstance(line.event, ev.StepRecorded) and line.event.record.phase == "cancel"
        for line in lines
    )
