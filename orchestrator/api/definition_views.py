"""Pipelines as the daemon shows them."""

from collections.abc import Mapping

from orchestrator.api import wire_pipelines as wire
from orchestrator.core.language.definition import (
    ApprovalRule,
    EnvironmentDefinition,
    OutcomeRule,
    Parameter,
    PipelineDefinition,
    RetryPolicy,
    StepDefinition,
    StopRules,
)
from orchestrator.core.values.parameter_values import typed


def pipeline_view(
    of: PipelineDefinition, environments: Mapping[str, EnvironmentDefinition]
) -> wire.Pipeline:
    """One pipeline, and what those of the environments ask for in which it may run."""
    return wire.Pipeline(
        name=of.name,
        kind=of.kind,
        description=of.description or None,
        environments=of.environments,
        params=tuple(_parameter(param) for param in of.params),
        steps=tuple(_step(step) for step in of.steps),
        cleanup=of.cleanup.pipeline if of.cleanup is not None else None,
        stop=_stop(of.stop),
        approvals=_approvals(of, environments),
        timeout=of.timeout,
        max_wait=of.max_wait,
        on_max_wait=of.on_max_wait.value,
        fail_running=of.fail_running.value,
        halt_running=of.halt_running.value,
    )


def _step(of: StepDefinition) -> wire.PipelineStep:
    """What a definition tells of a step: each field by its name, but for those that are told
    otherwise."""
    same = {name: getattr(of, name) for name in wire.PipelineStep.__struct_fields__}
    otherwise = {
        "section": of.section.value,
        "matrix": of.matrix or None,
        "retry": _retry(of.retry) if of.retry is not None else None,
        "outcomes": tuple(_outcome(outcome) for outcome in of.outcomes),
    }
    return wire.PipelineStep(**same | otherwise)


def _approvals(
    of: PipelineDefinition, environments: Mapping[str, EnvironmentDefinition]
) -> tuple[wire.AskedApproval, ...]:
    asked = [_approval(None, of.approval)] if of.approval is not None else []
    for name, environment in sorted(environments.items()):
        may_run = of.environments is None or name in of.environments
        if may_run and environment.approval is not None:
            asked.append(_approval(name, environment.approval))
    return tuple(asked)


def _approval(environment: str | None, rule: ApprovalRule) -> wire.AskedApproval:
    return wire.AskedApproval(
        environment=environment,
        roles=tuple(role.value for role in rule.roles),
        count=rule.count,
        not_submitter=rule.not_submitter,
        expires=rule.expires,
    )


def _retry(of: RetryPolicy) -> wire.Retry:
    return wire.Retry(
        attempts=of.attempts, backoff=of.backoff, factor=of.factor, max=of.max, on=of.on
    )


def _outcome(of: OutcomeRule) -> wire.Outcome:
    return wire.Outcome(match=of.match, then=of.then.value, skip=of.skip, reason=of.reason or None)


def _stop(of: StopRules) -> wire.StopRules:
    return wire.StopRules(
        queued=of.queued.value,
        preparing=of.preparing.value,
        acquiring=of.acquiring.value,
        applying=of.applying.value,
        cleaning_up=of.cleaning_up.value,
    )


def _parameter(of: Parameter) -> wire.Parameter:
    return wire.Parameter(
        name=of.name,
        type=of.type.value,
        required=of.required,
        default=None if of.default is None else typed((of,), {of.name: of.default})[of.name],
        pattern=of.pattern,
        description=of.description or None,
        choices=of.choices or None,
        min=of.min,
        max=of.max,
        example=of.example,
        secret=of.secret,
    )
