"""What people answer: yes or no to a job that has prepared, or to what a step asks."""

from collections.abc import Iterator, Mapping

import msgspec

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.commands import Caller
from orchestrator.core.language.definition import ApprovalRule, JobDefinition
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import (
    Acquiring,
    Applying,
    Approval,
    AskedQuestion,
    Job,
    JobCancelling,
    JobFinished,
    JobPreparing,
    JobQueued,
    QuestionAnswer,
    Step,
    StepRef,
    Stop,
)
from orchestrator.core.language.rejections import (
    AnsweredAlready,
    ApprovedAlready,
    NothingToApprove,
    NotPermitted,
    OwnJob,
    StepNotNamed,
    StopComesFirst,
    UnknownJob,
    UnknownStep,
)
from orchestrator.core.language.words import Decision, Role, StopCause
from orchestrator.core.rules.observations import attempt, is_asked_to_stop
from orchestrator.core.rules.permissions import demand, may
from orchestrator.core.rules.stopping import stop_job
from orchestrator.core.steps.approval_rules import STEP, given, open_rules, rule_text, still_open
from orchestrator.core.world.world import World


class Asked(msgspec.Struct, frozen=True):
    """What people are asked now: of the job itself, or (`step`, `question`) of a step of it."""

    job: Job
    rules: Mapping[str, ApprovalRule]
    approvals: tuple[Approval, ...]
    step: Step | None = None
    question: AskedQuestion | None = None

    @property
    def since(self) -> Instant:
        """When people were asked."""
        if self.question is not None:
            return self.question.asked
        phase = self.job.phase
        asked = phase.approval if isinstance(phase, JobPreparing) else None
        return asked or self.job.submitted

    @property
    def what(self) -> str:
        """`job 7`, `step verify of job 7`."""
        job = f"job {self.job.id}"
        return job if self.step is None else f"step {self.step.name} of {job}"


def approve(world: World, request: cmd.Approve, now: Instant) -> Iterator[ev.AnyEvent]:
    """Note a yes; with the last that was needed, go on."""
    asked = find(world, request.job, request.step)
    _demand_meant(asked, request)
    counts_for = _rules_of_caller(world, asked, request.caller)
    actor, comment = request.caller.actor, request.comment
    approval = Approval(by=actor, at=now, comment=comment, counts_for=counts_for)
    if asked.step is None or asked.question is None:
        yield ev.JobApproved(job=asked.job.id, approval=approval)
        return
    ref = _ref(asked.job, asked.step)
    yield ev.StepApproved(ref=ref, key=asked.question.key, approval=approval)
    if not still_open(asked.rules, (*asked.approvals, approval)):
        answer = QuestionAnswer(decision=Decision.APPROVED, at=now, by=actor, comment=comment)
        yield ev.StepAnswered(ref=ref, key=asked.question.key, answer=answer)


def reject(world: World, request: cmd.Reject, now: Instant) -> Iterator[ev.AnyEvent]:
    """A no of one person is enough. Whoever may approve may say it, of his own job too."""
    asked = find(world, request.job, request.step)
    _demand_meant(asked, request)
    roles = [role for rule in asked.rules.values() for role in rule.roles]
    if not any(_may(world, asked.job, request.caller, role) for role in roles):
        _demand(world, asked, request.caller, roles[0], "rejecting")
    actor, comment = request.caller.actor, request.comment
    if asked.step is None or asked.question is None:
        stop = Stop(cause=StopCause.REJECTION, at=now, by=actor, reason=comment)
        yield from stop_job(world, asked.job, stop)
        return
    answer = QuestionAnswer(decision=Decision.REJECTED, at=now, by=actor, comment=comment)
    ref = _ref(asked.job, asked.step)
    yield ev.StepAnswered(ref=ref, key=asked.question.key, answer=answer)


def find(world: World, id: int, step: str | None) -> Asked:
    """What a job asks people now. Raises UnknownJob, UnknownStep, StepNotNamed, NothingToApprove.

    Without the name of a step it is the job itself that is meant, or the only step that asks.
    """
    job = world.jobs.get(id)
    if job is None:
        raise UnknownJob(id)
    if step is not None:
        return _asked_by_step(job, _named(world, job, step))
    found = list(asked_of(job, world.definition(job)))
    if not found:
        raise nothing_asked(job)
    if len(found) > 1:
        raise StepNotNamed(
            id, [asked_by.step.name for asked_by in found if asked_by.step is not None]
        )
    return found[0]


def _demand_meant(asked: Asked, request: cmd.Approve | cmd.Reject) -> None:
    """Raise AnsweredAlready where an answer that names no step may be a repeat of an earlier one,
    and would now be taken for another question's."""
    if request.step is not None or asked.step is None:
        return
    uid = request.caller.uid
    said = {approval.by.uid for approval in asked.job.approvals}
    for question in (asked_before for step in asked.job.steps for asked_before in step.questions):
        if question != asked.question:
            said.update(approval.by.uid for approval in question.approvals)
            said.update([question.answer.by.uid] if question.answer and question.answer.by else ())
    if uid in said:
        raise AnsweredAlready(asked.job.id, request.caller.user, asked.step.name)


def awaited(world: World) -> Iterator[Asked]:
    """All that people are asked now."""
    for _, job in sorted(world.jobs.items()):
        yield from asked_of(job, world.definition(job))


def asked_of(job: Job, definition: JobDefinition) -> Iterator[Asked]:
    """What a job and its steps ask people now."""
    if isinstance(job.phase, JobPreparing) and job.phase.approval is not None:
        yield Asked(job, open_rules(job, definition), job.approvals)
    for step in job.steps:
        if step.open_question is not None:
            yield _asked_by_step(job, step)


def may_answer(world: World, asked: Asked, caller: Caller) -> bool:
    """Whether this person's yes would count now."""
    try:
        _rules_of_caller(world, asked, caller)
    except (NotPermitted, OwnJob, ApprovedAlready):
        return False
    return True


def nothing_asked(job: Job, step: str | None = None) -> NothingToApprove:
    """That nobody is asked now to approve a job, or this step of it."""
    what = f"job {job.id}" if step is None else f"step {step} of job {job.id}"
    phase = _phase(job)
    match job.phase:
        case JobCancelling():
            return NothingToApprove(what, "being cancelled", phase)
        case JobFinished(conclusion=conclusion):
            return NothingToApprove(what, f"finished ({conclusion.value})", phase)
        case _:
            return NothingToApprove(what, phase, phase)


def _named(world: World, job: Job, name: str) -> Step:
    names = world.step_definitions(job)
    if name not in names:
        raise UnknownStep(job.id, name, names)
    if not job.steps:
        raise nothing_asked(job, name)
    return world.step(job, name)


def _asked_by_step(job: Job, step: Step) -> Asked:
    question = step.open_question
    if question is None:
        state = "finished" if step.finished else "not asking anything"
        raise NothingToApprove(f"step {step.name} of job {job.id}", state, _phase(job))
    return Asked(job, {STEP: question.rule}, question.approvals, step, question)


def _rules_of_caller(world: World, asked: Asked, caller: Caller) -> tuple[str, ...]:
    """The rules that a yes of the caller would count for. Raises NotPermitted, OwnJob,
    ApprovedAlready."""
    held = {
        name: rule
        for name, rule in asked.rules.items()
        if any(_may(world, asked.job, caller, role) for role in rule.roles)
    }
    if not held:
        rule = next(iter(asked.rules.values()))
        _demand(world, asked, caller, rule.roles[0], "approving")
    is_own = caller.uid == asked.job.submitter.uid
    allowed = [name for name, rule in held.items() if not (rule.not_submitter and is_own)]
    if not allowed:
        raise OwnJob(asked.what, caller.user)
    before = {
        name
        for approval in asked.approvals
        if approval.by.uid == caller.uid
        for name in approval.counts_for
    }
    fresh = tuple(name for name in allowed if name not in before)
    if not fresh:
        raise ApprovedAlready(asked.what, caller.user, _left(asked))
    return fresh


def _left(asked: Asked) -> str:
    return " and ".join(
        rule_text(rule, given(name, asked.approvals)) for name, rule in asked.rules.items()
    )


def _may(world: World, job: Job, caller: Caller, role: Role) -> bool:
    definition = world.definition(job)
    return may(caller, role, world.configuration, definition.environment, definition.pipeline)


def _demand(world: World, asked: Asked, caller: Caller, role: Role, doing: str) -> None:
    definition = world.definition(asked.job)
    demand(
        caller,
        role,
        f"{doing} {asked.what}",
        world.configuration,
        definition.environment,
        definition.pipeline,
    )


def _ref(job: Job, step: Step) -> StepRef:
    return StepRef(job=job.id, step=step.name, attempt=step.attempt)


def _phase(job: Job) -> str:
    match job.phase:
        case JobPreparing():
            return "preparing"
        case JobQueued():
            return "queued"
        case JobCancelling():
            return "cancelling"
        case JobFinished():
            return "finished"
        case _:
            return "running"


def question(
    world: World, seen: cmd.Ask | cmd.WithdrawQuestion, now: Instant
) -> Iterator[ev.AnyEvent]:
    """A step asks people, or wants no answer any more."""
    return _ask(world, seen, now) if isinstance(seen, cmd.Ask) else _withdraw(world, seen)


def _ask(world: World, seen: cmd.Ask, now: Instant) -> Iterator[ev.AnyEvent]:
    """A step asks people. After a stop nothing is asked any more."""
    _, step = attempt(world, seen.ref)
    if any(question.key == seen.key for question in step.questions):
        return
    if not isinstance(step.phase, Acquiring | Applying) or is_asked_to_stop(step):
        raise StopComesFirst(f"a stop of step {step.name} was asked for")
    asked = AskedQuestion(key=seen.key, text=seen.text, rule=seen.rule, asked=now)
    yield ev.StepAsked(ref=seen.ref, question=asked)


def _withdraw(world: World, seen: cmd.WithdrawQuestion) -> Iterator[ev.AnyEvent]:
    """What a step asked is moot. Nothing happens if it is answered, or not asked any more."""
    _, step = attempt(world, seen.ref)
    asked = step.open_question
    if asked is not None and any(
        question.key == seen.key and question.answer is None for question in step.questions
    ):
        yield ev.StepQuestionWithdrawn(ref=seen.ref, key=seen.key)
