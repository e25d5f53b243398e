"""What the references of one step read, from what is journalled of its job."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from orchestrator.core.language.definition import JobDefinition, StepDefinition
from orchestrator.core.language.model import Finished, Job, Step
from orchestrator.core.rules.debts import facts_of
from orchestrator.core.steps.graph import Plan
from orchestrator.core.steps.verdict import verdict
from orchestrator.core.values import conditions
from orchestrator.core.values.parameter_values import typed
from orchestrator.core.values.references import DebtFacts, JobFacts, Scope, references
from orchestrator.core.world.world import World


def steps_read(values: Iterable[Any]) -> frozenset[str]:
    """The steps, or matrices, whose outputs these values read. Raises ReferenceMalformed."""
    return frozenset(
        reference.path[1]
        for value in values
        for reference in references(value)
        if reference.path[0] == "steps" and len(reference.path) > 1
    )


def scope_of(
    world: World,
    job: Job,
    definition: JobDefinition,
    step: StepDefinition,
    outputs_of: Callable[[Step], Mapping[str, Any]],
    read: Iterable[str],
) -> Scope:
    """All that a step can read, with the outputs of the steps or matrices in `read` only.

    A matrix has lists of what those of its steps gave that ran.
    """
    open_job = job.id in world.jobs
    plan = world.plan(job) if open_job else Plan(definition.pipeline.steps)
    outputs: dict[str, Mapping[str, Any]] = {}
    not_run = set()
    for name in read:
        if name in plan.places:
            one = job.steps[plan.places[name]]
            if isinstance(one.phase, Finished):
                outputs[name] = outputs_of(one)
                if not one.phase.ending.conclusion.ran:
                    not_run.add(name)
        elif name in plan.matrices:
            outputs[name] = _lists(job, plan.matrices[name], outputs_of)
    return Scope(
        job=_job_facts(world, job, definition, step),
        params=typed(definition.pipeline.params, job.params),
        vars=definition.environment.vars,
        outputs=outputs,
        debt=_debt(world, job),
        not_run=frozenset(not_run),
        matrix=step.matrix,
        empty_if_missing=step.section.is_handler,
    )


def _lists(
    job: Job, places: Iterable[int], outputs_of: Callable[[Step], Mapping[str, Any]]
) -> dict[str, list[Any]]:
    lists: dict[str, list[Any]] = {}
    for place in places:
        one = job.steps[place]
        if isinstance(one.phase, Finished) and one.phase.ending.conclusion.ran:
            for name, value in outputs_of(one).items():
                lists.setdefault(name, []).append(value)
    return lists


def unmet(world: World, job: Job, step: StepDefinition) -> str | None:
    """Why the `when` of a step does not hold; None where it does. Sensitive outputs are null."""
    if step.when is None:
        return None
    condition = conditions.parse(step.when)
    read = {reference.path[1] for reference in condition.references if reference.path[0] == "steps"}
    scope = scope_of(world, job, world.definition(job), step, lambda one: one.outputs, read)
    return None if conditions.holds(condition, scope) else conditions.why(condition, scope)


def _job_facts(world: World, job: Job, definition: JobDefinition, step: StepDefinition) -> JobFacts:
    facts = facts_of(job)
    if not step.section.is_handler:
        return facts
    graph = world.graphs.get(job.id)
    steps = definition.pipeline.steps
    found = verdict(job, steps) if graph is None else graph.verdict(job)
    return replace(facts, conclusion=found.conclusion.value, failed_step=found.failed_step)


def _debt(world: World, job: Job) -> DebtFacts | None:
    """What a cleanup may read of the job that it cleans up after: the first it pays for."""
    # From its admission on the run says it: when what it left is looked at again, the debt is paid,
    # and by an empty answer the look would look at something else.
    if job.run is not None and job.run.pays and job.run.debt_conclusion is not None:
        return DebtFacts(job=job.run.pays[0], conclusion=job.run.debt_conclusion.value)
    pays = (job.owed_by,) if job.run is None else job.run.pays
    for debt in world.environment(job.environment).debts:
        if debt.job in pays and debt.conclusion is not None:
            return DebtFacts(job=debt.job, conclusion=debt.conclusion.value)
    return None
