"""Which approvals a job needs before it queues, and which of them it has."""

from collections.abc import Iterable, Mapping

from orchestrator.core.language.definition import ApprovalRule, JobDefinition
from orchestrator.core.language.model import Approval, Job

PIPELINE = "pipeline"
ENVIRONMENT = "environment"
STEP = "step"
"""The names of rules, by where they are written."""


def rules_of(job: Job, definition: JobDefinition) -> dict[str, ApprovalRule]:
    """Every rule that a job must satisfy, by its name. An owed cleanup needs no approval."""
    if job.cleanup_for is not None:
        return {}
    return declared_rules(definition)


def declared_rules(definition: JobDefinition) -> dict[str, ApprovalRule]:
    """The rules that a definition brings: the pipeline's own and the environment's."""
    written = {
        PIPELINE: definition.pipeline.approval,
        ENVIRONMENT: definition.environment.approval,
    }
    return {name: rule for name, rule in written.items() if rule is not None}


def open_rules(job: Job, definition: JobDefinition) -> dict[str, ApprovalRule]:
    """The rules that are not satisfied yet."""
    return still_open(rules_of(job, definition), job.approvals)


def still_open(
    rules: Mapping[str, ApprovalRule], approvals: Iterable[Approval]
) -> dict[str, ApprovalRule]:
    """The rules that these approvals do not satisfy."""
    approvals = tuple(approvals)
    return {name: rule for name, rule in rules.items() if given(name, approvals) < rule.count}


def given(rule: str, approvals: Iterable[Approval]) -> int:
    """How many people have approved in the sense of one rule."""
    return len({approval.by.uid for approval in approvals if rule in approval.counts_for})


def rule_text(rule: ApprovalRule, so_far: int) -> str:
    """`approval by an approver (0 of 2), not by who submitted it`."""
    roles = " or ".join(role.value for role in rule.roles)
    count = f" ({so_far} of {rule.count})" if rule.count > 1 else ""
    other = ", not by who submitted it" if rule.not_submitter else ""
    return f"approval by {roles}{count}{other}"
