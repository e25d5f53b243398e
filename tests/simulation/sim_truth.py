"""Whether what the journal says of an end is what the tools really did."""

from typing import Any

from orchestrator.core.language import events as ev
from orchestrator.core.language.model import Ending, StepRef
from orchestrator.core.language.words import JobConclusion, StepConclusion
from tests.simulation.sim_sections import BAD, check_handlers, is_handler
from tests.simulation.sim_seen import Seen

GOOD = (StepConclusion.SUCCESS, StepConclusion.WARNING, StepConclusion.HALTED)
MISBEHAVING = {
    "error",
    "raise",
    "exit",
    "rubbish",
    "stubborn",
    "once_unknown",
    "once",
    "wait",
    "ask",
}


def check_applied(seen: Seen, ref: StepRef, ending: Ending, executions: list[Any]) -> None:
    """The end of an apply, or of an acquire that failed."""
    exits = [execution.process.exit for execution in executions if execution.phase == "apply"]
    codes = [exit.code for exit in exits if exit is not None]
    wanted = sum(1 for doing in seen.settings(ref.step).apply if doing.startswith("run"))
    told = f"{ref} ended as {ending.conclusion.value}, and its tools with {codes}: {ending.reason}"
    stopped = ref.step in seen.stops or ref.step in seen.forced
    match ending.conclusion:
        case StepConclusion.SUCCESS if 3 in codes and is_handler(seen, ref.step):
            assert any(rule.match == "exit 3" for rule in seen.step(ref.step).outcomes), told
        case StepConclusion.SUCCESS:
            asked = seen.settings(ref.step).apply.count("ask")
            assert seen.agreed.get(ref, 0) == asked, f"{told}, and people did not agree"
            assert codes == [0] * wanted, told
        case StepConclusion.HALTED:
            assert 3 in codes, told
        case StepConclusion.CANCELLED | StepConclusion.TIMED_OUT:
            assert stopped, f"{told}, without a stop"
        case StepConclusion.FAILURE if ending.exit is not None:
            assert ending.exit in codes, told
        case StepConclusion.LOST:
            _check_lost(seen, ref, executions, told)
    if ending.conclusion is StepConclusion.FAILURE and not stopped and ending.exit is None:
        _check_failure(seen, ref, executions, told)


def _check_lost(seen: Seen, ref: StepRef, executions: list[Any], told: str) -> None:
    recorded = all(execution.process.recorded for execution in executions)
    assert not recorded or "host went down" in told or _doings(seen, ref), told


def _check_failure(seen: Seen, ref: StepRef, executions: list[Any], told: str) -> None:
    """Without an exit code something else failed: a signal, a start, the adapter itself."""
    killed = any(
        execution.process.exit is not None and execution.process.exit.code is None
        for execution in executions
    )
    failed = any(one.process.exit is not None and one.process.exit.code for one in executions)
    assert killed or failed or _doings(seen, ref) or len(executions) < _runs(seen, ref), told


def _doings(seen: Seen, ref: StepRef) -> bool:
    settings = seen.settings(ref.step)
    return bool(MISBEHAVING & {*settings.acquire, *settings.apply})


def _runs(seen: Seen, ref: StepRef) -> int:
    settings = seen.settings(ref.step)
    return sum(doing.startswith("run") for doing in (*settings.acquire, *settings.apply))


def check_job_end(seen: Seen, event: ev.JobEnded) -> None:
    """The end of a job that ran."""
    names = [step.name for step in seen.definition.pipeline.steps]
    assert sorted(seen.steps) == sorted(names), f"job {event.job} ended before {names}"
    assert not seen.at_work, f"job {event.job} ended before {seen.at_work}"
    check_handlers(seen, event)
    steps: dict[str, StepConclusion] = {
        name: one for name, one in seen.steps.items() if not is_handler(seen, name)
    }
    bad = [
        one
        for name, one in steps.items()
        if one not in (*GOOD, StepConclusion.NOT_RUN, StepConclusion.SKIPPED)
        and not (one is StepConclusion.CANCELLED and name in seen.gave_way)
    ]
    told = f"job {event.job} ended as {event.conclusion.value}, its steps as {steps}"
    if event.conclusion is JobConclusion.SUCCESS:
        assert not bad, told
        halted = StepConclusion.HALTED in steps.values()
        assert halted or StepConclusion.NOT_RUN not in steps.values(), told
    elif not seen.stopped:
        assert bad or {*seen.steps.values()} & {*BAD}, told
    if event.conclusion is JobConclusion.CANCELLED:
        assert seen.stopped, told
    if StepConclusion.LOST in steps.values():
        assert event.conclusion is JobConclusion.LOST, told
