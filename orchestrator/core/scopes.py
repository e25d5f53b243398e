"""What the references of one step read, from what is journalled of its job."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from orchestrator.core import conditions
from orchestrator.core.debts import facts_of
from orchestrator.core.definition import JobDefinition, StepDefinition
from orchestrator.core.model import Finished, Job
from orchestrator.core.parameter_values import typed
from orchestrator.core.references import DebtFacts, JobFacts, Scope
from orchestrator.core.verdict import verdict
from orchestrator.core.world import World


def scope_of(world: World, job: Job, definition: JobDefinition, step: StepDefinition) -> Scope:
    """All that a step can read. Outputs that are sensitive are None: their values lie elsewhere."""
    outputs: dict[str, Mapping[str, Any]] = {}
    not_run = set()
    for one in job.steps:
        if isinstance(one.phase, Finished):
            outputs[one.name] = one.outputs
            if not one.phase.ending.conclusion.ran:
                not_run.add(one.name)
    return Scope(
        job=_job_facts(job, definition, step),
        params=typed(definition.pipeline.params, job.params),
        vars=definition.environment.vars,
        outputs=outputs,
        debt=_debt(world, job),
        not_run=frozenset(not_run),
        matrix=step.matrix,
        empty_if_missing=step.section.is_handler,
    )


def with_matrices(
    outputs: Mapping[str, Mapping[str, Any]], definition: JobDefinition, not_run: frozenset[str]
) -> dict[str, Mapping[str, Any]]:
    """Outputs with those of each matrix beside them: under its name, a list of the values of those
    of its steps that ran."""
    merged: dict[str, dict[str, list[Any]]] = {}
    for step in definition.pipeline.steps:
        if step.matrix_of is not None and step.name in outputs:
            lists = merged.setdefault(step.matrix_of, {})
            if step.name not in not_run:
                for name, value in outputs[step.name].items():
                    lists.setdefault(name, []).append(value)
    return {**outputs, **merged}


def unmet(world: World, job: Job, step: StepDefinition) -> str | None:
    """Why the `when` of a step does not hold; None where it does."""
    if step.when is None:
        return None
    definition = world.definition(job)
    scope, condition = scope_of(world, job, definition, step), conditions.parse(step.when)
    outputs = with_matrices(scope.outputs, definition, scope.not_run)
    scope = replace(scope, outputs=outputs)
    return None if conditions.holds(condition, scope) else conditions.why(condition, scope)


def _job_facts(job: Job, definition: JobDefinition, step: StepDefinition) -> JobFacts:
    facts = facts_of(job)
    if not step.section.is_handler:
        return facts
    found = verdict(job, definition.pipeline.steps)
    return replace(facts, conclusion=found.conclusion.value, failed_step=found.failed_step)


def _debt(world: World, job: Job) -> DebtFacts | None:
    """What a cleanup may read of the job that it cleans up after: the first it pays for."""
    pays = job.run.pays if job.run is not None else ()
    for debt in world.environment(job.environment).debts:
        if debt.job in pays and debt.conclusion is not None:
            return DebtFacts(job=debt.job, conclusion=debt.conclusion.value)
    return None
