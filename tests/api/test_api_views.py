"""Entities of the core as the wire shows them, where that takes a rule."""

from msgspec.structs import replace

from orchestrator.api import plain, views, wire
from orchestrator.core.language.definition import (
    EnvironmentDefinition,
    JobDefinition,
    PipelineDefinition,
    StepDefinition,
)
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import (
    Actor,
    Cause,
    Ending,
    Finished,
    Force,
    Job,
    JobCancelling,
    JobFinished,
    Run,
    Step,
    Stop,
)
from orchestrator.core.language.words import (
    BlockerType,
    JobConclusion,
    Outcome,
    StepConclusion,
    StopCause,
)
from orchestrator.core.rules.admission import Blocker
from orchestrator.engine.live import LiveStep

AT = Instant(utc=1_769_860_800_123, boot=0, boot_id="b")
DEFINITION = JobDefinition(
    pipeline=PipelineDefinition(
        "web", "deploy", (StepDefinition("plan", "terraform"), StepDefinition("apply", "terraform"))
    ),
    environment=EnvironmentDefinition("prod"),
)
HALTED = Ending(StepConclusion.HALTED, Outcome.HALT, exit=0, reason="no changes")
NOT_RUN = Ending(StepConclusion.NOT_RUN, Outcome.CONTINUE)
FINISHED = Job(
    id=118,
    pipeline="web",
    environment="prod",
    kind="deploy",
    definition="d",
    submitter=Actor(1000, "ada"),
    submitted=AT,
    rank=0,
    phase=JobFinished(AT, JobConclusion.SUCCESS, Run(AT), halted_by="plan"),
    steps=(
        Step("plan", Finished(AT, HALTED, began=AT)),
        Step("apply", Finished(AT, NOT_RUN, cause=Cause("plan", StepConclusion.HALTED, 0))),
    ),
)


def test_times_are_utc_with_milliseconds() -> None:
    assert plain.time(AT) == "2026-01-31T12:00:00.123Z"


def test_steps_name_the_cause() -> None:
    """A step that did not run and the one that halted name the cause."""
    shown = views.job(FINISHED, DEFINITION, lambda _: LiveStep())
    plan, apply = shown.steps
    assert plan.cause == apply.cause
    assert (plan.conclusion, plan.reason, plan.exit) == ("halted", "no changes", 0)
    assert (apply.conclusion, apply.started_at) == ("not_run", None)
    assert (shown.halted_by, shown.conclusion, shown.warnings) == ("plan", "success", 0)


def test_what_did_not_run_always_has_a_cause() -> None:
    skipped = Ending(StepConclusion.SKIPPED, Outcome.CONTINUE, reason="when false is false")
    steps = (Step("plan", Finished(AT, skipped)), Step("apply", Finished(AT, NOT_RUN)))
    condition = replace(DEFINITION.pipeline.steps[0], when="false")
    pipeline = replace(DEFINITION.pipeline, steps=(condition, DEFINITION.pipeline.steps[1]))
    stop = Stop(StopCause.TIMEOUT, AT, reason="timeout of the pipeline: 60 s")
    job = replace(FINISHED, phase=replace(FINISHED.phase, stop=stop), steps=steps)
    shown = views.job(job, replace(DEFINITION, pipeline=pipeline), lambda _: LiveStep())
    by_stop = wire.Cause(type="stop", conclusion="timeout")
    assert [step.cause for step in shown.steps] == [wire.Cause(type="when"), by_stop]
    [plan, _] = views.job(replace(job, steps=()), DEFINITION, lambda _: LiveStep()).steps
    assert (plan.cause, plan.reason) == (by_stop, f"the job timed out: {stop.reason}")
    [_, uncalled] = views.job(
        replace(FINISHED, steps=steps), DEFINITION, lambda _: LiveStep()
    ).steps
    assert uncalled.cause == wire.Cause(type="job")


def test_warnings_count_steps_and_what_adapters_warned_of() -> None:
    ended = Finished(AT, Ending(StepConclusion.WARNING, Outcome.WARN, exit=75), began=AT)
    steps = (Step("plan", ended, warnings=("old version",)), Step("apply", ended))
    assert views.summary(replace(FINISHED, steps=steps), DEFINITION).warnings == 3


def test_a_summary_stands_for_a_reason() -> None:
    """A summary stands for the reason where there is none."""
    ended = Finished(AT, Ending(StepConclusion.SUCCESS, Outcome.CONTINUE, exit=0), began=AT)
    job = replace(FINISHED, steps=(Step("plan", ended, summary="+3 ~1 -0"),))
    assert views.job(job, DEFINITION, lambda _: LiveStep()).steps[0].reason == "+3 ~1 -0"


def test_a_stop_by_a_limit() -> None:
    """A stop by a limit has no `by`, and says when force may come."""
    stop = Stop(StopCause.TIMEOUT, AT, reason="timeout of the pipeline: 60 s")
    job = replace(FINISHED, phase=JobCancelling(Run(AT), stop, Force(AT)))
    cancel = views.summary(job, DEFINITION).cancel
    assert cancel is not None
    assert (cancel.by, cancel.force) == (None, True)
    assert cancel.force_available_at == "2026-01-31T12:05:00.123Z"


def test_blockers_that_are_jobs_have_numbers_for_ids() -> None:
    kinds = {BlockerType.JOB: 7, BlockerType.CLEANUP_DEBT: 7, BlockerType.LOCK: "7"}
    for kind, id in kinds.items():
        assert views.blocker(Blocker(type=kind, id="7", text="")).id == id
