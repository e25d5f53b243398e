"""What people are asked and what they said, as the wire shows it."""

from collections.abc import Mapping

import msgspec

from orchestrator.api import wire
from orchestrator.api.plain import person, time, utc
from orchestrator.core.language.commands import Caller
from orchestrator.core.language.definition import ApprovalRule, JobDefinition
from orchestrator.core.language.instant import Instant, milliseconds
from orchestrator.core.language.model import Approval, Finished, Job, Step
from orchestrator.core.rules.approvals import Asked, asked_of, may_answer
from orchestrator.core.steps.approval_rules import STEP, given, rule_text
from orchestrator.core.world.world import World


def approvals(of: Job) -> tuple[wire.Approval, ...]:
    """Every yes that was said to a job, and to its steps."""
    of_steps = (
        _approval(approval, step.name)
        for step in of.steps
        for question in step.questions
        for approval in question.approvals
    )
    return (*(_approval(given, None) for given in of.approvals), *of_steps)


def _approval(of: Approval, step: str | None) -> wire.Approval:
    return wire.Approval(
        by=person(of.by),
        at=time(of.at),
        comment=of.comment or None,
        step=step,
        counts_for=(STEP,) if step is not None else of.counts_for,
    )


def awaits(of: Job, definition: JobDefinition) -> tuple[wire.Awaited, ...]:
    """What a job and its steps ask people now."""
    return tuple(_awaited(asked) for asked in asked_of(of, definition))


def _awaited(asked: Asked) -> wire.Awaited:
    expiries = [rule.expires for rule in asked.rules.values() if rule.expires is not None]
    return wire.Awaited(
        step=asked.step.name if asked.step is not None else None,
        message=asked.question.text if asked.question is not None else None,
        since=time(asked.since),
        expires_at=_after(asked.since, min(expiries)) if expiries else None,
        rules=tuple(_rule(asked, name, rule) for name, rule in asked.rules.items()),
    )


def _rule(asked: Asked, name: str, rule: ApprovalRule) -> wire.AwaitedRule:
    so_far = given(name, asked.approvals)
    return wire.AwaitedRule(
        name=name,
        text=rule_text(rule, so_far),
        roles=tuple(role.value for role in rule.roles),
        count=rule.count,
        given=so_far,
        not_submitter=rule.not_submitter,
        expires_at=None if rule.expires is None else _after(asked.since, rule.expires),
    )


def _after(since: Instant, seconds: float) -> str:
    return utc(since.utc + milliseconds(seconds))


def pending(world: World, asked: Asked, caller: Caller) -> wire.PendingApproval:
    """One question with all that who answers it wants to know."""
    job, step = asked.job, asked.step.name if asked.step is not None else None
    return wire.PendingApproval(
        job=job.id,
        pipeline=job.pipeline,
        environment=job.environment,
        kind=job.kind,
        submitter=person(job.submitter),
        reason=job.reason or None,
        params=job.params,
        approvals=tuple(_approval(approval, step) for approval in asked.approvals),
        summaries=tuple(_summary(step) for step in job.steps if _says_something(step)),
        holds_environment=step is not None and job.run is not None,
        may_answer=may_answer(world, asked, caller),
        **msgspec.structs.asdict(_awaited(asked)),
    )


def _says_something(step: Step) -> bool:
    return isinstance(step.phase, Finished) and bool(step.summary)


def _summary(step: Step) -> wire.Summary:
    return wire.Summary(step=step.name, text=step.summary)


def needed(rules: Mapping[str, ApprovalRule]) -> tuple[str, ...]:
    """Rules of which nobody has approved yet, in words."""
    return tuple(rule_text(rule, 0) for rule in rules.values())


def waiting_for(step: Step) -> tuple[str | None, Instant | None]:
    """What a step says that it waits for, and since when; whose answer it waits for says more."""
    question = step.open_question
    if question is None or not step.active:
        return step.waiting_for, step.waiting_since
    return rule_text(question.rule, given(STEP, question.approvals)), question.asked
