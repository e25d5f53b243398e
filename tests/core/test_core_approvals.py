"""Approvals: who may say yes, to what, until when, and what a no does."""

from collections.abc import Mapping

import msgspec

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import ApprovalRule, Configuration, Roles
from orchestrator.core.language.model import JobFinished, JobPreparing, JobQueued
from orchestrator.core.language.rejections import (
    AnsweredAlready,
    ApprovedAlready,
    NothingToApprove,
    NotPermitted,
    OwnJob,
    StepNotNamed,
    UnknownStep,
)
from orchestrator.core.language.words import BlockerType, Decision, JobConclusion, Role, Section
from orchestrator.core.rules.admission import blockers
from orchestrator.core.rules.approvals import awaited, may_answer
from tests.core.core_setup import ADA, BOB, EVE, ROOT, config, pipeline, ref, step, submit, whole
from tests.core.core_story import Story, given, like

ROLES = Roles(
    viewer=("*",),
    submitter=("ada", "@developers"),
    approver=("ada", "@developers"),
    admin=("root",),
)
RULE = ApprovalRule()


def settings(
    own: ApprovalRule | None = RULE,
    environments: ApprovalRule | None = None,
    **fields: object,
) -> Configuration:
    found = config(
        pipeline("web", approval=own, **fields),
        pipeline("clean", "cleanup"),
        pipeline("owes", cleanup="clean"),
        roles=ROLES,
    )
    environment = msgspec.structs.replace(found.environments["production"], approval=environments)
    return msgspec.structs.replace(
        found, environments={**found.environments, "production": environment}
    )


def approve(caller: cmd.Caller, job: int = 1, step: str | None = None) -> cmd.Approve:
    return cmd.Approve(caller=caller, job=job, step=step, comment="fine")


def reject(caller: cmd.Caller, job: int = 1, step: str | None = None) -> cmd.Reject:
    return cmd.Reject(caller=caller, job=job, step=step, comment="not on a friday")


def approvals(story: Story, job: int = 1) -> Mapping[str, tuple[str, ...]]:
    return {approval.by.user: approval.counts_for for approval in story.job(job).approvals}


def test_waiting_for_a_yes_holds_nothing() -> None:
    """A job waits for a yes and holds nothing meanwhile."""
    story = given(settings(), submit("web"))
    story.then_among(like(ev.ApprovalRequested, job=1))
    story.given(submit("owes"))
    assert story.running() == [2]
    story.when(approve(BOB)).then(like(ev.JobApproved, job=1), like(ev.JobReady, job=1))
    assert isinstance(story.job(1).phase, JobQueued)


def test_an_approval_comes_after_before() -> None:
    build = step("build", section=Section.BEFORE, touches=False)
    story = given(settings(steps=(build, step("apply"))), submit("web"))
    story.when(approve(BOB)).refused(NothingToApprove, "it is preparing")
    story.given(*whole(1, "build"))
    story.given(approve(BOB))
    assert story.running() == [1]


def test_the_environments_rule_is_added_to_the_pipelines() -> None:
    story = given(settings(RULE, ApprovalRule(roles=(Role.ADMIN,))), submit("web"))
    story.when(approve(BOB)).then(like(ev.JobApproved))
    assert [blocker.id for blocker in blockers(story.world, story.job(1))] == ["environment"]
    story.given(approve(ROOT))
    assert story.running() == [1]
    assert approvals(story) == {"bob": ("pipeline",), "root": ("environment",)}


def test_one_yes_counts_for_every_rule() -> None:
    """One yes counts for every rule that the person fits."""
    story = given(settings(RULE, ApprovalRule(roles=(Role.ADMIN,))), submit("web"))
    story.given(approve(ROOT))
    assert approvals(story) == {"root": ("pipeline", "environment")}
    assert story.running() == [1]


def test_a_yes_counts_once() -> None:
    story = given(settings(ApprovalRule(count=2)), submit("web"), approve(BOB))
    story.when(approve(BOB)).refused(ApprovedAlready, "bob has approved job 1 already", "(1 of 2)")
    story.given(approve(ADA))
    assert story.running() == [1]


def test_not_submitter() -> None:
    story = given(settings(ApprovalRule(not_submitter=True)), submit("web"))
    story.when(approve(ADA)).refused(OwnJob, "ada submitted job 1")
    story.given(approve(BOB))


def test_who_may_not_approve_is_told_the_role() -> None:
    story = given(settings(), submit("web"))
    story.when(approve(EVE)).refused(NotPermitted, "role approver", "@developers")
    story.when(reject(EVE)).refused(NotPermitted, "rejecting job 1 needs the role approver")


def test_a_no_ends_the_job() -> None:
    story = given(settings(ApprovalRule(count=2)), submit("web"), approve(BOB), reject(ADA))
    end = story.job(1).phase
    assert isinstance(end, JobFinished)
    assert end.conclusion is JobConclusion.REJECTED
    assert end.reason == "rejected by ada: not on a friday"
    assert not story.environment().debts


def test_an_approval_expires_also_over_a_restart() -> None:
    story = given(settings(ApprovalRule(expires=3600.0)), submit("web"), 3599)
    assert isinstance(story.job(1).phase, JobPreparing)
    story.restart().after(1)
    end = story.job(1).phase
    assert isinstance(end, JobFinished)
    assert (end.conclusion, end.reason) == (
        JobConclusion.EXPIRED,
        "nobody approved it within 1h",
    )


def test_the_blocker_says_what_to_type() -> None:
    """The blocker says what is missing and what to type."""
    rule = ApprovalRule(count=2, not_submitter=True, expires=60.0)
    story = given(settings(rule), submit("web"), approve(BOB))
    [blocker] = blockers(story.world, story.job(1))
    assert blocker.type is BlockerType.APPROVAL
    assert blocker.text.startswith("approval by approver (1 of 2), not by who submitted it")
    assert blocker.lift == "orchestrator approve 1, or: orchestrator reject 1"


def test_an_owed_cleanup_needs_no_approval() -> None:
    story = given(settings(None, RULE), submit("owes"), approve(BOB), *whole(1))
    assert story.running() == [2] and story.job(2).cleanup_for == 1


def test_approving_what_is_not_there_to_approve() -> None:
    story = given(settings(), submit("web"), approve(BOB))
    story.when(approve(BOB)).refused(NothingToApprove, "it is running")
    story.when(approve(BOB, step="nosuch")).refused(UnknownStep)
    story.when(approve(BOB, step="apply")).refused(NothingToApprove, "not asking")


# --- in a step ---------------------------------------------------------------------------------


def asking(*names: str, expires: float | None = 60.0) -> Story:
    """A job whose steps of these names ask."""
    steps = tuple(step(name, has_acquire=False, takes_slot=False) for name in names)
    story = given(settings(None, steps=(*steps, step("next", needs=names))), submit("web"))
    for name in names:
        rule = ApprovalRule(count=2, expires=expires)
        story.given(cmd.Ask(ref=ref(1, name), key="go", text="go on?", rule=rule))
    return story


def test_a_step_asks_once() -> None:
    """A step asks once, and is answered when enough have said yes."""
    story = asking("verify")
    again = cmd.Ask(ref=ref(1, "verify"), key="go", text="go on?", rule=RULE)
    story.when(again).then_nothing()
    story.when(approve(BOB)).then(like(ev.StepApproved))
    assert not may_answer(story.world, next(awaited(story.world)), BOB)
    assert may_answer(story.world, next(awaited(story.world)), ADA)
    story.when(approve(ADA)).then(like(ev.StepApproved), like(ev.StepAnswered))
    [question] = story.job(1).step("verify").questions
    assert question.answer is not None and question.answer.decision is Decision.APPROVED
    assert not list(awaited(story.world))


def test_one_no_answers() -> None:
    story = asking("verify").given(approve(BOB), reject(ADA, step="verify"))
    [question] = story.job(1).step("verify").questions
    assert question.answer is not None
    assert (question.answer.decision, question.answer.comment) == (
        Decision.REJECTED,
        "not on a friday",
    )


def test_nobody_answers_in_time() -> None:
    story = asking("verify").restart().after(60)
    story.then(like(ev.StepAnswered))
    [question] = story.job(1).step("verify").questions
    assert question.answer is not None and question.answer.decision is Decision.EXPIRED


def test_two_steps_that_ask() -> None:
    """With two that ask, the step must be named."""
    story = given(
        settings(None, steps=(step("a", has_acquire=False), step("b", has_acquire=False))),
        submit("web"),
    )
    for name in ("a", "b"):
        story.given(cmd.Ask(ref=ref(1, name), key="go", text="?", rule=RULE))
    story.when(approve(BOB)).refused(StepNotNamed, "a, b")
    story.given(approve(BOB, step="b"))


def test_a_repeated_answer() -> None:
    """A yes to the job, typed twice, would else be one to a step that nobody looked at."""
    own = pipeline("web", approval=RULE, steps=(step("verify", has_acquire=False),))
    story = given(config(own, roles=ROLES), submit("web"), approve(BOB))
    story.given(cmd.Ask(ref=ref(1, "verify"), key="go", text="?", rule=ApprovalRule(count=2)))
    story.when(approve(BOB)).refused(AnsweredAlready, "orchestrator approve 1 verify")
    story.when(reject(BOB)).refused(AnsweredAlready, "its step verify")
    story.given(approve(BOB, step="verify"))
    story.when(approve(BOB, step="verify")).refused(ApprovedAlready)
    story.given(approve(ADA))
    assert not list(awaited(story.world))


def test_after_a_stop_nothing_is_asked() -> None:
    story = given(settings(None, steps=(step("a", has_acquire=False),)), submit("web"))
    story.given(cmd.Cancel(caller=ADA, job=1))
    story.when(cmd.Ask(ref=ref(1, "a"), key="go", text="?", rule=RULE))
    assert story.rejection is not None and "stop" in str(story.rejection)


def test_a_withdrawn_question_is_gone() -> None:
    """A withdrawn question is gone, and asked anew under its key."""
    story = asking("verify").given(approve(BOB))
    withdraw = cmd.WithdrawQuestion(ref=ref(1, "verify"), key="go")
    story.when(withdraw).then(like(ev.StepQuestionWithdrawn, key="go"))
    assert not list(awaited(story.world))
    story.when(approve(ADA)).refused(NothingToApprove, "it is running")
    story.when(withdraw).then_nothing()
    story.restart(from_journal=True).after(60).then_nothing()
    story.given(cmd.Ask(ref=ref(1, "verify"), key="go", text="again?", rule=RULE), approve(BOB))
    [question] = story.job(1).step("verify").questions
    assert question.answer is not None and len(question.approvals) == 1


def test_an_answer_is_not_withdrawn() -> None:
    story = asking("verify").given(reject(ADA))
    story.when(cmd.WithdrawQuestion(ref=ref(1, "verify"), key="go")).then_nothing()
    [question] = story.job(1).step("verify").questions
    assert question.answer is not None


def test_a_stop_takes_back_the_question() -> None:
    """What a step asked is not asked any more after a stop."""
    story = asking("verify").given(cmd.Cancel(caller=ADA, job=1))
    assert not list(awaited(story.world))
    story.when(approve(BOB)).refused(NothingToApprove, "being cancelled")
    story.when(approve(BOB, step="verify")).refused(NothingToApprove, "not asking")
    story.after(60).then_nothing()


def test_waiting_for_an_answer_takes_no_slot() -> None:
    steps = (step("a", has_acquire=False), step("b", has_acquire=False, needs=()))
    configured = msgspec.structs.replace(settings(None, steps=steps), capacity=1)
    story = given(configured, submit("web"))
    assert not story.job(1).step("b").active
    story.given(cmd.Ask(ref=ref(1, "a"), key="go", text="?", rule=RULE))
    assert story.job(1).step("b").active
