"""A step that a restart enters again ends before it asks again for what it had started."""

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
from orchestrator.core.language.words import StepConclusion
from orchestrator.process.spec import ProcessSpec
from tests.simulation.deterministic import run_deterministically
from tests.simulation.fake_tool import FakeTool
from tests.simulation.sim_people import ADA
from tests.simulation.sim_scenario import Rates
from tests.simulation.sim_world import World, simulated_boot


class SlowWorld(World):
    """Every tool works for long."""

    def _choose_tool(self, directory: Path, spec: ProcessSpec) -> FakeTool:
        return FakeTool(seconds=500.0)


def pipeline(name: str, **config: object) -> PipelineDefinition:
    step = StepDefinition(name="go", uses="fake", config=config, has_cleanup=False)
    return PipelineDefinition(name=name, kind="deploy", steps=(step,))


async def cancelled_while_it_waits(root: Path, phase: str, run: str) -> World:
    """Job 1 waits for nobody and starts its tool; job 2 claims what it waits for; the daemon is
    killed, so that job 1 waits for job 2, and is cancelled."""
    async with trio.open_nursery() as outside:
        world = SlowWorld(0, root / "state", outside)
        world.faults.rates = Rates(slow_commit=0.0)
        world.configuration = Configuration(
            state_dir="/state",
            socket="",
            kinds={"deploy": ("deploy",)},
            environments={name: EnvironmentDefinition(name=name) for name in ("one", "two")},
            pipelines={
                "works": pipeline("works", **{phase: ["wait", run]}),
                "claims": pipeline("claims", apply=["claim", "run"]),
            },
        )
        with simulated_boot(world):
            outside.start_soon(world.keep_a_daemon_running)
            engine = await world.reached()
            await engine.submit(cmd.Submit(ADA, "works", "one"))
            await trio.sleep(20)
            await engine.submit(cmd.Submit(ADA, "claims", "two"))
            await trio.sleep(20)
            assert world.life is not None
            world.life.end()
            await trio.sleep(20)
            engine = await world.reached()
            await engine.cancel(cmd.Cancel(ADA, 1))
            await trio.sleep(1000)
            outside.cancel_scope.cancel()
    return world


@pytest.mark.parametrize("run", ["run", "run_uninterruptible"])
@pytest.mark.parametrize("phase", ["acquire", "apply"])
def test_a_cancel_waits_for_an_unasked_tool(tmp_path: Path, phase: str, run: str) -> None:
    world = run_deterministically(lambda: cancelled_while_it_waits(tmp_path, phase, run), 0)
    assert world.witness.violations == []
    events = [line.event for _, line in world.witness.lines]
    assert any(isinstance(event, ev.StepWaiting) and event.text == "job 2" for event in events)
    [end] = [event for event in events if isinstance(event, ev.StepFinished) and event.ref.job == 1]
    assert end.ending.conclusion is StepConclusion.CANCELLED
