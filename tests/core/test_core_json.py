"""What is journalled can be read again: every variant, by tags that never change."""

import typing
from typing import Any

import msgspec
import pytest

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import (
    ApprovalRule,
    CleanupReference,
    EnvironmentDefinition,
    JobDefinition,
    OutcomeRule,
    Parameter,
    PipelineDefinition,
    Roles,
    Source,
    StopRules,
)
from orchestrator.core.language.digest import digest
from orchestrator.core.language.model import (
    Acquiring,
    Actor,
    Applying,
    Approval,
    AskedQuestion,
    BackingOff,
    CallRecord,
    Cancelling,
    Cause,
    CleaningUp,
    Debt,
    Drain,
    Ending,
    Environment,
    Finished,
    Force,
    Job,
    JobCancelling,
    JobFinished,
    JobPhase,
    JobPreparing,
    JobQueued,
    JobRunning,
    OpenRecheck,
    Pending,
    ProcessRecord,
    Quarantine,
    QuestionAnswer,
    Record,
    Run,
    Step,
    StepPhase,
    Stop,
    UnknownRun,
    UnknownVerdict,
)
from orchestrator.core.language.words import (
    Decision,
    JobConclusion,
    Outcome,
    Role,
    Section,
    StepConclusion,
    StopCause,
    StopPolicy,
)
from tests.core.core_commands import REQUESTS
from tests.core.core_restart import through_json
from tests.core.core_setup import WEB, WEB_CLEANUP, at, config, finding, ref, step

BY = Actor(uid=7, user="ada")
STOP = Stop(cause=StopCause.TIMEOUT, at=at(1), by=BY, reason="late")
FORCE = Force(at=at(2), by=BY, reason="hangs", fired=True, of_handlers=True)
RULE = ApprovalRule(roles=(Role.ADMIN,), count=2, not_submitter=True, expires=60.0)
APPROVAL = Approval(by=BY, at=at(2), comment="fine", counts_for=("pipeline",))
ANSWER = QuestionAnswer(decision=Decision.REJECTED, at=at(3), by=BY, comment="no")
QUESTION = AskedQuestion(
    key="go", text="go on?", rule=RULE, asked=at(2), approvals=(APPROVAL,), answer=ANSWER
)
ENDING = Ending(StepConclusion.WARNING, Outcome.WARN, exit=3, signal="SIGKILL", reason="meh")
CAUSE = Cause(step="plan", conclusion=StepConclusion.HALTED, exit=0)
RUN = Run(
    started=at(1),
    excludes=("deploy",),
    locks=("vpc",),
    pays=(3,),
    debt_conclusion=JobConclusion.LOST,
)
PROCESS = ProcessRecord(phase="apply", key="tool", boot_id="boot-1", adapter="0a1b")
CALL = CallRecord(
    phase="apply",
    key="post",
    done=True,
    value={"id": [1, None]},
    file="values/x",
    adapter="0a1b",
)
VERDICT = UnknownVerdict(wait=True, by=BY, at=at(4), reason="looked")
UNKNOWN = UnknownRun(
    job=9,
    token="0a1b",
    pipeline="web",
    environment="production",
    since=at(3),
    verdict=VERDICT,
)
DEBT = Debt(
    job=3,
    pipeline="clean",
    kind="cleanup",
    params={"v": "1"},
    definition="d",
    submitter=BY,
    since=at(3),
    locks=("vpc",),
    conclusion=JobConclusion.LOST,
    excludes=("deploy",),
    secrets={"t": "1/t"},
    secret_digests={"t": "f"},
)
STEP_DEFINITION = step(
    "apply",
    config={"a": [1, {"b": None}]},
    env={"X": "1"},
    needs=("plan",),
    timeout=1.5,
    grace=2.0,
    outcomes=(OutcomeRule("exit 3", Outcome.WARN, "meh"),),
    section=Section.STEPS,
)
PIPELINE = PipelineDefinition(
    name="team/web",
    kind="deploy",
    steps=(STEP_DEFINITION,),
    origin="pipelines/team/web.toml",
    environments=("production",),
    cleanup=CleanupReference("clean", {"v": "${params.v}"}),
    stop=StopRules(applying=StopPolicy.NOBODY),
    timeout=7200.0,
    source=Source("/srv"),
    params=(Parameter(name="v", required=True, pattern=r"v\d"),),
    env={"Y": "2"},
    roles=Roles(submitter=("@dev",)),
)
ENVIRONMENT = EnvironmentDefinition(
    name="production",
    locks=("vpc",),
    vars={"region": "eu", "n": 3},
    env={"Z": "3"},
    roles=Roles(admin=("root",)),
    origin="environments/production.toml",
)
DEFINITION = JobDefinition(pipeline=PIPELINE, environment=ENVIRONMENT, cleanup=PIPELINE)
CONFIGURATION = config(WEB, WEB_CLEANUP, environments={"production": ("vpc",)})

EVENTS: dict[str, ev.AnyEvent] = {
    "config_accepted": ev.ConfigAccepted(digest="c", configuration=CONFIGURATION),
    "definition_recorded": ev.DefinitionRecorded(digest="d", definition=DEFINITION),
    "job_submitted": ev.JobSubmitted(
        job=1,
        pipeline="web",
        environment="production",
        kind="deploy",
        definition="d",
        submitter=BY,
        rank=-5,
        params={"v": "1"},
        priority=2,
        labels={"a": "b"},
        url="u",
        reason="r",
        key="k",
        request="q",
        retry_of=4,
        cleanup_for=5,
        pays=6,
        token="0a1b",
        secrets={"t": "1/t"},
        secret_digests={"t": "f"},
        admin_retry=True,
        cancel_on_disconnect=True,
        prepares=True,
    ),
    "approval_requested": ev.ApprovalRequested(job=1),
    "job_approved": ev.JobApproved(job=1, approval=APPROVAL),
    "job_ready": ev.JobReady(job=1),
    "job_waited_long": ev.JobWaitedLong(job=1),
    "job_admitted": ev.JobAdmitted(job=1, run=RUN),
    "job_stop_requested": ev.JobStopRequested(job=1, stop=STOP, after_steps=True),
    "job_force_requested": ev.JobForceRequested(job=1, by=BY, reason="hangs", of_handlers=True),
    "job_forced": ev.JobForced(job=1),
    "job_finished": ev.JobEnded(
        job=1,
        conclusion=JobConclusion.LOST,
        dirty=True,
        halted_by="plan",
        reason="r",
        stop=STOP,
        left_locked=("net",),
    ),
    "client_lost": ev.ClientLost(job=1),
    "client_returned": ev.ClientReturned(job=1),
    "step_started": ev.StepStarted(ref=ref(1), acquires=True),
    "step_applying": ev.StepApplying(ref=ref(1)),
    "step_stop_requested": ev.StepStopRequested(ref=ref(1), stop=STOP),
    "step_forced": ev.StepForced(ref=ref(1), by=BY, reason="hangs"),
    "step_applied": ev.StepApplied(
        ref=ref(1), ending=ENDING, summary="+1", outputs={"a": [1, "x", None]}, sensitive=("b",)
    ),
    "step_retry_scheduled": ev.StepRetryScheduled(ref=ref(1), ending=ENDING, seconds=1.5),
    "step_retry_due": ev.StepRetryDue(ref=ref(1)),
    "step_finished": ev.StepFinished(ref=ref(1), ending=ENDING, finding=finding(1)),
    "step_not_run": ev.StepNotRun(ref=ref(1), ending=ENDING, cause=CAUSE),
    "step_waiting": ev.StepWaiting(ref=ref(1), text="a lock"),
    "step_warned": ev.StepWarned(ref=ref(1), text="careful"),
    "step_asked": ev.StepAsked(ref=ref(1), question=QUESTION),
    "step_approved": ev.StepApproved(ref=ref(1), key="go", approval=APPROVAL),
    "step_answered": ev.StepAnswered(ref=ref(1), key="go", answer=ANSWER),
    "step_question_withdrawn": ev.StepQuestionWithdrawn(ref=ref(1), key="go"),
    "step_recorded": ev.StepRecorded(ref=ref(1), record=CALL),
    "debt_incurred": ev.DebtIncurred(environment="production", debt=DEBT),
    "debt_paid": ev.DebtPaid(environment="production", job=1, paid_by=2),
    "debt_waived": ev.DebtWaived(environment="production", job=1, reason="r"),
    "quarantined": ev.Quarantined(
        environment="production",
        job=1,
        reason="r",
        findings=(finding(1),),
        automatic=True,
        debts=(3,),
    ),
    "quarantine_lifted": ev.QuarantineLifted(environment="production", reason="r", by_job=2),
    "recheck_requested": ev.RecheckRequested(environment="production", reason="r", number=2),
    "recheck_started": ev.RecheckStarted(environment="production"),
    "recheck_stop_requested": ev.RecheckStopRequested("production", stop=STOP, force=True),
    "rechecked": ev.Rechecked(environment="production", ref=ref(1), finding=finding(1)),
    "finding_settled": ev.FindingSettled(environment="production", ref=ref(1), by_job=2),
    "drain_started": ev.DrainStarted(reason="upgrade"),
    "drain_ended": ev.DrainEnded(),
    "unknown_run_found": ev.UnknownRunFound(environment="production", run=UNKNOWN),
    "unknown_run_judged": ev.UnknownRunJudged(environment="production", job=9, verdict=VERDICT),
    "unknown_run_set_aside": ev.UnknownRunSetAside(environment="production", job=9),
    "daemon_started": ev.DaemonStarted(version="1", pid=7, seed="5eed", numbers_from=8),
}
"""Every event by its tag. Tags are on disk: a line may be added here, and none ever changed."""

PHASES: dict[str, StepPhase] = {
    "pending": Pending(),
    "acquiring": Acquiring(began=at(), stop=STOP, force=FORCE),
    "applying": Applying(began=at(), entered=at(1)),
    "cancelling": Cancelling(began=at(), entered=at(1), stop=STOP, force=FORCE),
    "cleaning_up": CleaningUp(
        began=at(), entered=at(1), ending=ENDING, stop=STOP, force=FORCE, after_force=True
    ),
    "backing_off": BackingOff(
        began=at(), since=at(1), seconds=2.5, ending=ENDING, due=True, stop=STOP
    ),
    "finished": Finished(
        ended=at(9),
        ending=ENDING,
        began=at(),
        finding=finding(1),
        cause=CAUSE,
        stop=STOP,
        forced=True,
    ),
}
JOB_PHASES: dict[str, JobPhase] = {
    "preparing": JobPreparing(since=at(), approval=at(1)),
    "queued": JobQueued(since=at()),
    "running": JobRunning(run=RUN),
    "cancelling": JobCancelling(run=RUN, stop=STOP, force=FORCE, after_steps=True),
    "finished": JobFinished(
        ended=at(9),
        conclusion=JobConclusion.CANCELLED,
        run=RUN,
        stop=STOP,
        force=FORCE,
        dirty=True,
        halted_by="plan",
        reason="r",
    ),
}
RECORDS: dict[str, Record] = {"process": PROCESS, "call": CALL}


def job(phase: JobPhase) -> Job:
    steps = tuple(
        Step(
            name=name,
            phase=one,
            waiting_for="a lock",
            waiting_since=at(1),
            records=(PROCESS, CALL),
            outputs={"a": 1},
            sensitive=("b",),
            summary="+1",
            warnings=("careful",),
            questions=(QUESTION,),
        )
        for name, one in PHASES.items()
    )
    return Job(
        id=1,
        pipeline="web",
        environment="production",
        kind="deploy",
        definition="d",
        submitter=BY,
        submitted=at(),
        rank=-5,
        phase=phase,
        params={"v": "1"},
        priority=2,
        labels={"a": "b"},
        url="u",
        reason="r",
        key="k",
        request="q",
        retry_of=4,
        cleanup_for=5,
        pays=6,
        secrets={"t": "1/t"},
        secret_digests={"t": "f"},
        admin_retry=True,
        cancel_on_disconnect=True,
        disconnected=at(4),
        token="0a1b",
        steps=steps,
        approvals=(APPROVAL,),
        waited_long=True,
    )


ENTITIES: list[msgspec.Struct] = [
    *(job(phase) for phase in JOB_PHASES.values()),
    Environment(
        name="production",
        debts=(DEBT,),
        retired=True,
        quarantine=Quarantine(
            since=at(),
            job=1,
            reason="r",
            findings=(finding(1),),
            automatic=True,
            debts=(3,),
            recheck=2,
            rechecking=(ref(1),),
            look=OpenRecheck(asked=at(), by=BY, started=at(1), stop=STOP, forced=True),
        ),
        unknown=(UNKNOWN,),
    ),
    Drain(since=at(), by=BY, reason="upgrade"),
    DEFINITION,
    CONFIGURATION,
]


def type_and_phase(entity: msgspec.Struct) -> str:
    phase = getattr(entity, "phase", None)
    return " ".join(type(one).__name__ for one in (entity, phase) if one is not None)


def members(union: Any) -> set[type]:
    return set(typing.get_args(union))


def tag(value: msgspec.Struct) -> object:
    return msgspec.json.decode(msgspec.json.encode(value))["type"]


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_has_its_tag(name: str) -> None:
    """An event is read as it was written, under its own tag."""
    line = ev.Stamped(at=at(5), by=BY, event=EVENTS[name])
    assert through_json(line, ev.Stamped) == line
    assert tag(EVENTS[name]) == name


@pytest.mark.parametrize(
    ("union", "examples"),
    [(ev.AnyEvent, EVENTS), (StepPhase, PHASES), (JobPhase, JOB_PHASES), (Record, RECORDS)],
    ids=["events", "phases of steps", "phases of jobs", "records"],
)
def test_every_variant_has_its_tag_here(union: Any, examples: dict[str, msgspec.Struct]) -> None:
    assert {type(one) for one in examples.values()} == members(union)
    assert {name: tag(one) for name, one in examples.items()} == {name: name for name in examples}
    for example in examples.values():
        assert msgspec.json.decode(msgspec.json.encode(example), type=union) == example


@pytest.mark.parametrize("entity", ENTITIES, ids=type_and_phase)
def test_an_entity_is_read_as_it_was_written(entity: msgspec.Struct) -> None:
    assert through_json(entity, type(entity)) == entity


def test_the_examples_leave_no_field_at_its_default() -> None:
    """Else a field that is lost on its way could not be seen."""
    for one in (*EVENTS.values(), *PHASES.values(), *JOB_PHASES.values(), DEBT, RUN, STOP, FORCE):
        for field in msgspec.structs.fields(one):
            if not field.required and not isinstance(one, ev.QuarantineLifted):
                assert getattr(one, field.name) != field.default, (type(one).__name__, field.name)


def test_a_line_of_before_a_field() -> None:
    """A line of before a field was added is read with its default."""
    old = (
        b'{"at":{"utc":1,"boot":2,"boot_id":"b"},"by":null,"event":{"type":"quarantined",'
        b'"environment":"production","job":1,"reason":"r","later":"unknown to us"}}'
    )
    line = msgspec.json.decode(old, type=ev.Stamped)
    assert line.event == ev.Quarantined(environment="production", job=1, reason="r")


def test_equal_values_have_equal_digests() -> None:
    """Equal values have equal digests, however their tables are ordered."""
    one = step("apply", config={"a": 1, "b": 2})
    other = step("apply", config={"b": 2, "a": 1})
    assert digest(one) == digest(other)
    assert digest(one) != digest(step("apply", config={"a": 1, "b": 3}))


NOT_FROM_PEOPLE: list[cmd.Command] = [
    cmd.OpenDaemon(
        version="1",
        pid=7,
        seed="5eed",
        numbers_from=8,
        unknown=(UNKNOWN,),
        set_aside=(7,),
        ran=(ref(1),),
    ),
    cmd.NoteSetAside(job=9),
    cmd.SeeClient(job=1, present=True),
    cmd.AcquireDone(ref=ref(1)),
    cmd.AttemptFailed(ref=ref(1), conclusion=StepConclusion.LOST, reason="r"),
    cmd.ApplyDone(ref=ref(1), succeeded=True, exit=0, outputs={"a": 1}, stopped=False),
    cmd.CleanupDone(ref=ref(1), finding=finding(1)),
    cmd.AttemptAbandoned(ref=ref(1), finding=finding(1)),
    cmd.RecheckDone(environment="production", ref=ref(1), finding=finding(1)),
    cmd.NoteWaiting(ref=ref(1), text=None),
    cmd.NoteWarning(ref=ref(1), text="careful"),
    cmd.Ask(ref=ref(1), key="go", text="go on?", rule=RULE),
    cmd.WithdrawQuestion(ref=ref(1), key="go"),
    cmd.IntendProcess(ref=ref(1), record=PROCESS),
    cmd.NoteCall(ref=ref(1), record=CALL),
    cmd.LookAtClock(),
]
COMMANDS = {
    **{name: asked.command for name, asked in REQUESTS.items()},
    **{type(one).__name__: one for one in NOT_FROM_PEOPLE},
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_read_as_it_was_written(name: str) -> None:
    """A simulation or a report of a fault can keep them."""
    command = COMMANDS[name]
    assert msgspec.json.decode(msgspec.json.encode(command), type=type(command)) == command


def test_every_command_is_among_them() -> None:
    assert {type(one) for one in COMMANDS.values()} == members(cmd.Command)
