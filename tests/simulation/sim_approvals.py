"""Who approved what before a job queued, and how long it then waited."""

from typing import Any

from orchestrator.core.language import events as ev
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import Approval
from orchestrator.core.language.words import Decision, LongWaitPolicy, Section, StopCause
from tests.simulation.sim_seen import Seen


def check_waiting(seen: Seen, event: ev.AnyEvent, at: Instant) -> None:
    """What happens to a job between its submission and its admission."""
    match event:
        case ev.ApprovalRequested(job=job):
            _check_prepared(seen, job)
            asked_again = seen.ready is not None  # it was to pay what somebody else has paid
            told = f"job {job} asked for its approval twice"
            assert seen.approval_since is None or asked_again, told
            seen.approval_since, seen.ready = at, None
        case ev.JobApproved(job=job, approval=approval):
            told = f"job {job} was approved by {approval.by.user}"
            assert seen.approval_since is not None and seen.stop is None, told
            assert seen.ready is None, f"{told}, and was ready"
            seen.approvals.append(approval)
        case ev.JobReady(job=job):
            _check_prepared(seen, job)
            assert seen.submitted.prepares and seen.ready is None and seen.stop is None
            seen.ready = at
        case ev.JobAdmitted(job=job, run=run):
            assert not seen.submitted.prepares or seen.ready is not None, f"job {job} was not ready"
            if not run.pays:
                demand_approved(seen, job)
        case ev.JobWaitedLong(job=job):
            _check_long_wait(seen, job, at, LongWaitPolicy.WARN)
        case ev.JobStopRequested(job=job, stop=stop) | ev.JobEnded(job=job, stop=stop):
            if stop is not None and stop.cause is StopCause.EXPIRY:
                _check_expiry(seen, job, at)


def _check_prepared(seen: Seen, job: int) -> None:
    for step in seen.definition.pipeline.steps:
        if step.section is Section.BEFORE:
            assert step.name in seen.steps, f"job {job} has prepared, and {step.name} has not ended"


def demand_approved(seen: Seen, job: int) -> None:
    """Each rule has as many people who may satisfy it as it asks for."""
    if seen.submitted.cleanup_for is not None:
        return
    for rule in (seen.definition.pipeline.approval, seen.definition.environment.approval):
        if rule is not None:
            people = {
                approval.by.uid for approval in seen.approvals if _counts(seen, approval, rule)
            }
            assert len(people) >= rule.count, f"job {job} was approved by {people}, for {rule}"


def _counts(seen: Seen, approval: Approval, rule: Any) -> bool:
    own = approval.by.uid == seen.submitted.submitter.uid
    return not (rule.not_submitter and own)


def _check_expiry(seen: Seen, job: int, at: Instant) -> None:
    assert seen.admitted is None, f"job {job} expired while it ran"
    if seen.ready is not None or not seen.submitted.prepares:
        _check_long_wait(seen, job, at, LongWaitPolicy.FAIL)
        return
    rules = (seen.definition.pipeline.approval, seen.definition.environment.approval)
    limits = [rule.expires for rule in rules if rule is not None and rule.expires is not None]
    assert limits and seen.approval_since is not None, f"job {job} expired, without a limit"
    _check_waited(job, seen.approval_since, min(limits), at)


def _check_long_wait(seen: Seen, job: int, at: Instant, policy: LongWaitPolicy) -> None:
    pipeline = seen.definition.pipeline
    assert pipeline.max_wait is not None and pipeline.on_max_wait is policy, f"job {job}"
    assert seen.submitted.cleanup_for is None, f"job {job} is owed, and waited too long"
    _check_waited(job, seen.ready or seen.submitted_at, pipeline.max_wait, at)


def _check_waited(job: int, since: Instant, seconds: float, at: Instant) -> None:
    early = since.boot + round(seconds * 1000) - at.boot if since.boot_id == at.boot_id else 0
    assert early <= 0, f"job {job} had waited too long {early} ms too early"


def check_question(seen: Seen, event: ev.AnyEvent, at: Instant) -> None:
    """What a step asks: it is not asked after a stop, and as many people agree as it needs."""
    match event:
        case ev.StepAsked(ref=ref):
            assert ref.step in seen.at_work and ref.step not in seen.stops, f"{ref} asks"
            seen.asked[ref.step] = []
        case ev.StepApproved(ref=ref, approval=approval):
            assert ref.step in seen.asked, f"{ref} was approved, and asks nothing"
            seen.asked[ref.step].append(approval)
        case ev.StepQuestionWithdrawn(ref=ref):
            del seen.asked[ref.step]
        case ev.StepAnswered(ref=ref, answer=answer):
            people = {one.by.uid for one in seen.asked.pop(ref.step)}
            if answer.decision is Decision.APPROVED:
                wanted = seen.settings(ref.step).approvals
                assert len(people) >= wanted, f"{ref} was approved by {people}, not {wanted}"
                seen.agreed[ref] = seen.agreed.get(ref, 0) + 1
