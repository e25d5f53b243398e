"""What the end of an execution means for the step."""

from collections.abc import Mapping
from typing import Any

from orchestrator.plugin import Result
from orchestrator_spinnaker.executions import Execution, Stage, Status
from orchestrator_spinnaker.settings import StageOutput

LONGEST_CAUSE = 300
"""Characters of what a stage says about its failure."""

_WORST_FIRST = (
    Status.TERMINAL,
    Status.STOPPED,
    Status.CANCELED,
    Status.FAILED_CONTINUE,
    Status.SKIPPED,
    Status.SUCCEEDED,
)


def result(execution: Execution, outputs: dict[str, Any], *, asked: str, why: str | None) -> Result:
    """The step's result.

    `asked` is how a reason ends that we gave to Spinnaker for a cancel; `why` is ours where nobody
    asked for a stop.
    """
    ok = execution.status is Status.SUCCEEDED
    reason = "" if ok else _reason(execution, asked, why)
    return Result(
        ok=ok,
        statuses=statuses(execution),
        outputs=outputs,
        reason=reason or _of_success(execution),
        stopped=execution.status is Status.CANCELED,  # a stop may still come before this is read
    )


def statuses(execution: Execution) -> tuple[str, ...]:
    """Words for outcome rules: of each ended stage, the worst first, then of the execution."""
    words = [f'stage "{stage.name}" {stage.status.value}' for stage in _worst_first(execution)]
    if execution.status is Status.SUCCEEDED:
        words += [stage.status.value for stage in _not_done(execution)]
    return tuple(dict.fromkeys([*words, execution.status.value]))


def stage_outputs(
    execution: Execution, wanted: Mapping[str, StageOutput]
) -> tuple[dict[str, Any], dict[str, StageOutput]]:
    """Outputs of the step from those of stages, and those of which no stage has the key."""
    found: dict[str, Any] = {}
    missing: dict[str, StageOutput] = {}
    for name, source in wanted.items():
        values = [
            table[source.key]
            for stage in execution.stages
            if stage.name == source.stage
            for table in (stage.context, stage.outputs)
            if source.key in table
        ]
        if values:
            found[name] = values[-1]
        else:
            missing[name] = source
    return found, missing


def cause(stage: Stage) -> str:
    """What a stage says about its failure, in one line; empty where it says nothing."""
    for text in _causes(stage):
        if line := " ".join(text.split()):
            short = line[: LONGEST_CAUSE - 1] + "…"
            return line if len(line) <= LONGEST_CAUSE else short
    return ""


def _worst_first(execution: Execution) -> list[Stage]:
    ended = [stage for stage in execution.stages if stage.status.complete]
    return sorted(
        ended,
        key=lambda one: (
            _WORST_FIRST.index(one.status),
            one.parent_stage_id is not None,
            one.end_time or 0,
        ),
    )


def _not_done(execution: Execution) -> list[Stage]:
    """Stages for which Orca lets an execution succeed that has not done all that it was to do:
    one that failed and went on, and one that halted its branch, of which the rest never runs.
    """
    return [
        stage
        for stage in _worst_first(execution)
        if stage.status in (Status.STOPPED, Status.FAILED_CONTINUE)
        and stage.parent_stage_id is None
    ]


def _of_success(execution: Execution) -> str:
    return "; ".join(_told(stage, execution) for stage in _not_done(execution))


def _reason(execution: Execution, asked: str, why: str | None) -> str:
    worst = _worst_first(execution)
    if worst and worst[0].status in (Status.TERMINAL, Status.STOPPED):
        return _told(worst[0], execution)
    if execution.status is Status.CANCELED:
        said = execution.cancellation_reason or ""
        if said.endswith(asked):
            return why or ""  # else the stop says why
        by = f" by {execution.canceled_by}" if execution.canceled_by else ""
        return f"cancelled in Spinnaker{by}" + (f": {said}" if said else "")
    if worst and worst[0].status is not Status.SUCCEEDED:
        return _told(worst[0], execution)
    return f"the execution is {execution.status.value}"


def _told(stage: Stage, execution: Execution) -> str:
    """A stage, its status and why; what is not said of itself may be said of its parts."""
    parts = [
        part
        for part in execution.stages
        if part.parent_stage_id == stage.id and part.status is stage.status
    ]
    said = next(filter(None, map(cause, (stage, *parts))), "")
    text = f'stage "{stage.name}" {stage.status.value}'
    return f"{text}: {said}" if said else text


def _causes(stage: Stage) -> list[str]:
    """Where Orca's stages say why they failed."""
    context = stage.context
    details = _table(_table(context.get("exception")).get("details"))
    errors = details.get("errors")
    texts = [
        *(errors if isinstance(errors, list) else []),
        details.get("error"),
        context.get("failureMessage"),
        _table(context.get("context")).get("failureMessage"),  # of a checkPreconditions stage
        _judged(stage),
    ]
    return [text for text in texts if isinstance(text, str)]


def _judged(stage: Stage) -> str | None:
    if stage.context.get("judgmentStatus") != "stop":
        return None
    return f"judged to stop by {stage.judged_by}" if stage.judged_by else "judged to stop"


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
