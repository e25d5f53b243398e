"""What a submission would do: its steps resolved as far as can be known before it runs."""

from collections.abc import Iterable, Mapping
from typing import Any

from orchestrator.api import views, wire
from orchestrator.api.approvals import needed
from orchestrator.core.approval_rules import declared_rules
from orchestrator.core.commands import Submit
from orchestrator.core.debts import cleanup_params
from orchestrator.core.definition import StepDefinition
from orchestrator.core.parameter_values import typed
from orchestrator.core.references import JobFacts, ReferenceProblem, Scope, parse, resolve
from orchestrator.engine.engine import Engine, Preview

NEXT_JOB = 0
"""The number that `${job.id}` reads in a dry run, for nobody knows the real one."""


async def dry_run(engine: Engine, request: Submit, from_file: Iterable[str] = ()) -> wire.DryRun:
    """What this submission would be. Raises a Rejection as the submission would."""
    preview = await engine.preview(request, from_file)
    pipeline, environment = preview.definition.pipeline, preview.definition.environment
    facts = JobFacts(
        id=NEXT_JOB,
        pipeline=pipeline.name,
        environment=environment.name,
        submitter=request.caller.user,
    )
    params = typed(pipeline.params, preview.params)
    scope = Scope(job=facts, params=params, vars=environment.vars)
    return wire.DryRun(
        dry_run=True,
        pipeline=pipeline.name,
        environment=environment.name,
        kind=pipeline.kind,
        params=params,
        steps=tuple(_step(step, scope) for step in pipeline.steps),
        cleanup=_cleanup(preview, facts),
        blockers=tuple(views.liftable(one) for one in preview.blockers),
        approvals=needed(declared_rules(preview.definition)),
    )


def _step(step: StepDefinition, scope: Scope) -> wire.ResolvedStep:
    return wire.ResolvedStep(
        name=step.name,
        uses=step.uses,
        section=step.section.value,
        stage=step.stage,
        needs=step.needs,
        touches=step.touches,
        settings=known_so_far(step.config, scope),
    )


def _cleanup(preview: Preview, facts: JobFacts) -> wire.OwedCleanup | None:
    cleanup = preview.definition.cleanup
    if cleanup is None:
        return None
    params = cleanup_params(preview.definition, facts, preview.params)
    return wire.OwedCleanup(pipeline=cleanup.name, params=typed(cleanup.params, params))


def known_so_far(value: Any, scope: Scope) -> Any:
    """The value with what is known put in; what only a run can tell stays `${…}`."""
    match value:
        case str():
            return _text_known_so_far(value, scope)
        case Mapping():
            return {key: known_so_far(inner, scope) for key, inner in value.items()}
        case list() | tuple():
            return [known_so_far(inner, scope) for inner in value]
        case _:
            return value


def _text_known_so_far(text: str, scope: Scope) -> Any:
    try:
        return resolve(text, scope)
    except ReferenceProblem:
        return "".join(_part_known_so_far(str(part), scope) for part in parse(text))


def _part_known_so_far(part: str, scope: Scope) -> str:
    try:
        return str(resolve(part, scope))
    except ReferenceProblem:
        return part
