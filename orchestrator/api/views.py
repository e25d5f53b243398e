"""Jobs and their steps, as the wire shows them."""

from collections.abc import Callable, Iterable
from typing import assert_never

import msgspec

from orchestrator.api import wire
from orchestrator.api.approvals import approvals, awaits, waiting_for
from orchestrator.api.plain import actor, person, time, utc
from orchestrator.core.language.definition import JobDefinition, StepDefinition
from orchestrator.core.language.instant import milliseconds
from orchestrator.core.language.model import (
    Acquiring,
    Applying,
    BackingOff,
    Cancelling,
    Cause,
    CleaningUp,
    Ending,
    Finished,
    Job,
    JobCancelling,
    JobFinished,
    Pending,
    Step,
    StepPhase,
    StepRef,
    Stop,
)
from orchestrator.core.language.words import BlockerType, StepConclusion
from orchestrator.core.rules.admission import Blocker
from orchestrator.core.steps.causes import stopped_by_request
from orchestrator.core.values.parameter_values import typed
from orchestrator.engine.live import LiveStep
from orchestrator.store.protocol import PhaseName

MASK = "(sensitive)"
"""What is shown of a value that must not be."""
JOBS_BLOCK = (BlockerType.JOB, BlockerType.CLEANUP_DEBT, BlockerType.ORDER)
"""Blockers whose id is a job's number."""

LookAtLive = Callable[[StepRef], LiveStep]


def blocker(of: Blocker) -> wire.Blocker:
    """One reason to wait."""
    return wire.Blocker(
        type=of.type.value,
        id=_blocker_id(of),
        text=of.text,
        since=time(of.since) if of.since else None,
    )


def liftable(of: Blocker) -> wire.LiftableBlocker:
    """One reason to wait, with who can lift it."""
    return wire.LiftableBlocker(
        type=of.type.value,
        id=_blocker_id(of),
        text=of.text,
        since=time(of.since) if of.since else None,
        lift=of.lift,
    )


def _blocker_id(of: Blocker) -> int | str:
    return int(of.id) if of.type in JOBS_BLOCK else of.id


def summary(
    of: Job, definition: JobDefinition | None, blockers: Iterable[Blocker] = ()
) -> wire.JobSummary:
    """A job without its steps. Without its definition nothing says when it may be forced."""
    end = of.phase if isinstance(of.phase, JobFinished) else None
    run = of.run
    return wire.JobSummary(
        id=of.id,
        pipeline=of.pipeline,
        environment=of.environment,
        kind=of.kind,
        params=of.params if definition is None else typed(definition.pipeline.params, of.params),
        priority=of.priority,
        labels=of.labels,
        url=of.url,
        phase=PhaseName.of(of.phase).value,
        conclusion=end.conclusion.value if end else None,
        warnings=of.waited_long + sum(_warnings(step) for step in of.steps),
        halted_by=end.halted_by if end else None,
        dirty=end.dirty if end else False,
        retry_of=of.retry_of,
        cleanup_for=of.cleanup_for,
        pays=run.pays if run else (),
        submitter=person(of.submitter),
        reason=of.reason or None,
        key=of.key,
        source=_source(of, definition),
        locks=run.locks if run else (),
        approvals=approvals(of),
        awaits=awaits(of, definition) if definition is not None else (),
        waited_long=of.waited_long,
        submitted_at=time(of.submitted),
        started_at=time(run.started) if run else None,
        finished_at=time(end.ended) if end else None,
        cancel=_cancel(of, definition),
        blockers=tuple(blocker(found) for found in blockers),
    )


def job(
    of: Job,
    definition: JobDefinition,
    live: LookAtLive,
    blockers: Iterable[Blocker] = (),
) -> wire.Job:
    """A job, whole. `live` says what is true of its steps only now."""
    short = summary(of, definition, blockers)
    return wire.Job(**msgspec.structs.asdict(short), steps=_steps(of, definition, live))


def _source(of: Job, definition: JobDefinition | None) -> wire.Source:
    """A job whose definition was not read is known by what its step of that name said."""
    if definition is not None and definition.pipeline.source.git is None:
        return wire.Source()
    return wire.Source(commit=of.source_commit)


def _warnings(step: Step) -> int:
    ended = isinstance(step.phase, Finished) and step.phase.ending.conclusion
    return len(step.warnings) + (ended is StepConclusion.WARNING)


def _cancel(of: Job, definition: JobDefinition | None) -> wire.Cancel | None:
    stop = of.stop
    if stop is None:
        return None
    forced = isinstance(of.phase, JobCancelling | JobFinished) and of.phase.force is not None
    return wire.Cancel(
        cause=stop.cause.value,
        by=actor(stop.by),
        reason=stop.reason or None,
        at=time(stop.at),
        force=forced,
        force_available_at=_force_available(of, stop, definition),
    )


def _force_available(of: Job, stop: Stop, definition: JobDefinition | None) -> str | None:
    if definition is None or not isinstance(of.phase, JobCancelling):
        return None
    return utc(stop.at.utc + milliseconds(definition.pipeline.force_after))


def _steps(of: Job, definition: JobDefinition, live: LookAtLive) -> tuple[wire.Step, ...]:
    defined = {step.name: step for step in definition.pipeline.steps}
    if not of.steps and isinstance(of.phase, JobFinished):
        return tuple(_never_reached(of, step) for step in defined.values())
    steps = of.steps or tuple(Step(name=name) for name in defined)
    return tuple(_step(of, step, defined[step.name], live) for step in steps)


def _never_reached(job: Job, definition: StepDefinition) -> wire.Step:
    """A step of a job that ended in the queue."""
    blank = _step(job, Step(name=definition.name), definition, lambda _: LiveStep())
    return msgspec.structs.replace(
        blank,
        phase="finished",
        conclusion=StepConclusion.NOT_RUN.value,
        reason="the job ended before it ran" if job.stop is None else stopped_by_request(job.stop),
        cause=unreached(job),
    )


def _step(job: Job, of: Step, definition: StepDefinition, live: LookAtLive) -> wire.Step:
    now = live(StepRef(job.id, of.name, of.attempt)) if of.active else LiveStep()
    phase = of.phase
    ending = phase.ending if isinstance(phase, CleaningUp | BackingOff | Finished) else None
    end = phase if isinstance(phase, Finished) else None
    began = None if isinstance(phase, Pending) else phase.began
    awaited, awaited_since = waiting_for(of)
    return wire.Step(
        name=of.name,
        section=definition.section.value,
        stage=definition.stage,
        uses=definition.uses,
        phase=step_phase(of),
        conclusion=end.ending.conclusion.value if end else None,
        exit=ending.exit if ending else None,
        signal=ending.signal if ending else None,
        pid=now.pid,
        reason=_reason(of, ending),
        cause=cause(job, of, definition),
        attempt=of.attempt,
        attempts=definition.retry.attempts if definition.retry is not None else None,
        next_attempt_at=_next_attempt(phase),
        outputs=masked(of.outputs, of.sensitive),
        progress=_progress(now),
        waiting_for=awaited,
        waiting_since=time(awaited_since) if awaited_since else None,
        warnings=of.warnings,
        last_output_at=None if now.last_output_at is None else utc(now.last_output_at),
        started_at=time(began) if began else None,
        finished_at=time(end.ended) if end else None,
    )


def _next_attempt(phase: StepPhase) -> str | None:
    match phase:
        case BackingOff(since=since, seconds=seconds):
            return utc(since.utc + milliseconds(seconds))
        case _:
            return None


def step_phase(of: Step) -> str:
    """The name of a step's phase."""
    match of.phase:
        case Pending() | BackingOff():
            return "pending"
        case Acquiring():
            return "acquiring"
        case Applying():
            return "applying"
        case Cancelling():
            return "cancelling"
        case CleaningUp():
            return "cleaning_up"
        case Finished():
            return "finished"
        case _:
            assert_never(of.phase)


def masked(outputs: dict[str, object], sensitive: Iterable[str]) -> dict[str, object]:
    """Outputs with the values of sensitive ones hidden."""
    return outputs | {name: MASK for name in sensitive if name in outputs}


def _reason(of: Step, ending: Ending | None) -> str | None:
    return (ending.reason if ending else "") or of.summary or None


def _progress(now: LiveStep) -> wire.Progress | None:
    if now.progress is None:
        return None
    return wire.Progress(now.progress.done, now.progress.total, now.progress.text or None)


def cause(job: Job, step: Step, definition: StepDefinition) -> wire.Cause | None:
    """What decided that a step did not run; a step that halted the job is its own cause."""
    end = step.phase
    if not isinstance(end, Finished):
        return None
    conclusion = end.ending.conclusion
    if end.cause is not None:
        return _of_step(end.cause)
    if conclusion is StepConclusion.HALTED:
        return _of_step(Cause(step=step.name, conclusion=conclusion, exit=end.ending.exit))
    if conclusion.ran:
        return None
    if conclusion is StepConclusion.NOT_RUN:
        return unreached(job)
    # A handler that is not called is skipped before its own condition is asked.
    own = definition.when is not None and end.ending.reason.startswith("when ")
    return wire.Cause(type="when" if own else "job")


def unreached(job: Job) -> wire.Cause:
    """The cause of a step that a job did not come to, though no step was in the way."""
    if job.stop is None:
        return wire.Cause(type="job")
    return wire.Cause(type="stop", conclusion=job.stop.cause.value)


def _of_step(found: Cause) -> wire.Cause:
    return wire.Cause(
        type="step", step=found.step, conclusion=found.conclusion.value, exit=found.exit
    )
