"""What a submission would do: its steps resolved as far as can be known before it runs."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from orchestrator.api import views, wire
from orchestrator.config.secrets import named_secret
from orchestrator.config.settings import settings_so_far
from orchestrator.core.language.commands import Submit
from orchestrator.core.language.definition import (
    ApprovalRule,
    JobDefinition,
    SecretUse,
    StepDefinition,
    Variables,
)
from orchestrator.core.rules.debts import cleanup_params
from orchestrator.core.steps.approval_rules import declared_rules, rule_text
from orchestrator.core.steps.order import turns
from orchestrator.core.values import conditions
from orchestrator.core.values.parameter_values import typed
from orchestrator.core.values.parameters import HIDDEN
from orchestrator.core.values.references import JobFacts, Scope, text_so_far, unreadable
from orchestrator.engine.engine import Engine, Preview

NEXT_JOB = 0
"""In place of a number that nobody knows yet; nothing reads it."""
LATER = frozenset({("job", "id"), ("debt", "job"), ("debt", "conclusion")})
"""What only a run can read, beside the outputs of its steps."""


async def dry_run(engine: Engine, request: Submit, from_file: Iterable[str] = ()) -> wire.DryRun:
    """What this submission would be. Raises a Rejection as the submission would."""
    preview = await engine.preview(request, from_file)
    definition = preview.definition
    pipeline, environment = definition.pipeline, definition.environment
    facts = JobFacts(
        id=NEXT_JOB,
        pipeline=pipeline.name,
        environment=environment.name,
        submitter=request.caller.user,
    )
    params = typed(pipeline.params, preview.params)
    scope = Scope(job=facts, params=params, vars=environment.vars, later=LATER)
    return wire.DryRun(
        dry_run=True,
        pipeline=pipeline.name,
        environment=environment.name,
        kind=pipeline.kind,
        params=params,
        steps=tuple(
            _step(turn, step, definition, scope, engine.workbench.settings_type(step.uses))
            for turn, steps in enumerate(turns(pipeline.steps), 1)
            for step in steps
        ),
        cleanup=_cleanup(preview, facts),
        blockers=tuple(views.liftable(blocker) for blocker in preview.blockers),
        approvals=()
        if preview.pays
        else tuple(_approval(*rule) for rule in declared_rules(definition).items()),
        pays=preview.pays,
    )


def _step(
    turn: int, step: StepDefinition, definition: JobDefinition, scope: Scope, kind: Any
) -> wire.ResolvedStep:
    scope = replace(scope, matrix=step.matrix)
    env: Variables = {**definition.environment.env, **definition.pipeline.env, **step.env}
    read_in_env = {name: text for name, text in env.items() if isinstance(text, str)}
    return wire.ResolvedStep(
        name=step.name,
        uses=step.uses,
        section=step.section.value,
        stage=step.stage,
        needs=step.needs,
        touches=step.touches,
        settings=_masked(settings_so_far(step.config, scope, kind)),
        turn=turn,
        env={name: _variable(value, scope) for name, value in env.items()},
        when=_when(step.when, scope),
        outcomes=tuple(_outcomes(step)),
        matrix=step.matrix or None,
        max_parallel=step.max_parallel,
        later=tuple(str(reference) for reference in unreadable([step.config, read_in_env], scope)),
        secrets=tuple(dict.fromkeys([*_named(step.config), *_named_in(env)])),
    )


def _masked(value: Any) -> Any:
    """The value with `{ secret = "NAME" }` hidden, like the value that it stands for."""
    if named_secret(value) is not None:
        return HIDDEN
    match value:
        case Mapping():
            return {key: _masked(inner) for key, inner in value.items()}
        case list():
            return [_masked(inner) for inner in value]
        case _:
            return value


def _named(value: Any) -> Iterator[str]:
    """The names of the secrets in settings."""
    name = named_secret(value)
    if name is not None:
        yield name
        return
    match value:
        case Mapping():
            for inner in value.values():
                yield from _named(inner)
        case list() | tuple():
            for inner in value:
                yield from _named(inner)


def _named_in(env: Variables) -> list[str]:
    return [value.secret for value in env.values() if isinstance(value, SecretUse)]


def _variable(value: str | SecretUse, scope: Scope) -> str:
    if isinstance(value, SecretUse):
        return HIDDEN
    return text_so_far(value, scope)


def _when(text: str | None, scope: Scope) -> wire.PlannedCondition | None:
    if text is None:
        return None
    condition = conditions.parse(text)
    holds = conditions.foreseen(condition, scope)
    why = None if holds is None else conditions.why(condition, scope)
    return wire.PlannedCondition(text=text, holds=holds, why=why)


def _outcomes(step: StepDefinition) -> Iterator[wire.PlannedOutcome]:
    for rule in step.outcomes:
        yield wire.PlannedOutcome(
            match=rule.match, then=rule.then.value, reason=rule.reason or None, skip=rule.skip
        )


def _approval(name: str, rule: ApprovalRule) -> wire.PlannedApproval:
    return wire.PlannedApproval(
        rule=name,
        text=rule_text(rule, 0),
        roles=tuple(role.value for role in rule.roles),
        count=rule.count,
        not_submitter=rule.not_submitter,
        expires=rule.expires,
    )


def _cleanup(preview: Preview, facts: JobFacts) -> wire.OwedCleanup | None:
    cleanup = preview.definition.cleanup
    if cleanup is None:
        return None
    params = cleanup_params(preview.definition, facts, preview.params)
    return wire.OwedCleanup(pipeline=cleanup.name, params=typed(cleanup.params, params))
