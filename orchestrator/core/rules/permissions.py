"""Who may do what. Roles stand on up to three levels, and every level must allow."""

from collections.abc import Iterator

import msgspec

from orchestrator.core.language.commands import Caller
from orchestrator.core.language.definition import (
    Configuration,
    EnvironmentDefinition,
    JobDefinition,
    PipelineDefinition,
    Roles,
    StopRules,
)
from orchestrator.core.language.model import (
    Acquiring,
    Applying,
    Cancelling,
    CleaningUp,
    Job,
    JobCancelling,
    JobPreparing,
    JobQueued,
)
from orchestrator.core.language.rejections import NotPermitted, StopForbidden
from orchestrator.core.language.words import Role, StopPolicy

OWNERS = ("root", "the daemon's own user")


class Level(msgspec.Struct, frozen=True):
    """One place where roles are given. `where` names the file for messages."""

    where: str
    roles: Roles


def demand(
    caller: Caller,
    role: Role,
    doing: str,
    configuration: Configuration | None,
    environment: EnvironmentDefinition | None = None,
    pipeline: PipelineDefinition | None = None,
) -> None:
    """Raise NotPermitted unless every level gives the caller this role."""
    daemon = configuration.roles if configuration is not None else None
    if daemon is None:
        if not caller.is_owner:
            raise NotPermitted(
                f"{doing} needs the role {role.value}, which {caller.user} does not have; without "
                f"[roles] in orchestrator.toml only {' and '.join(OWNERS)} get in",
                role,
                OWNERS,
            )
    elif not _holds(caller, role, daemon):
        raise _denied(caller, role, doing, Level("orchestrator.toml", daemon))
    for level in _inner_levels(environment, pipeline):
        if level.roles.holders(role) and not _holds(caller, role, level.roles):
            raise _denied(caller, role, doing, level)


def demand_in(
    caller: Caller, role: Role, doing: str, configuration: Configuration | None, environment: str
) -> None:
    """The same for an environment by its name, which may be retired: then it gives no roles."""
    defined = configuration.environments.get(environment) if configuration is not None else None
    demand(caller, role, doing, configuration, defined)


def may(
    caller: Caller,
    role: Role,
    configuration: Configuration | None,
    environment: EnvironmentDefinition | None = None,
    pipeline: PipelineDefinition | None = None,
) -> bool:
    """Whether every level gives the caller this role."""
    try:
        demand(caller, role, "", configuration, environment, pipeline)
    except NotPermitted:
        return False
    return True


def demand_stop(
    caller: Caller, job: Job, definition: JobDefinition, configuration: Configuration | None
) -> None:
    """Raise NotPermitted or StopForbidden unless the caller may cancel this job now."""
    policy = strictest(definition.pipeline.stop, job)
    _demand_by_policy(caller, policy, job.submitter.uid, job.id, definition, configuration)


def may_stop(
    caller: Caller, job: Job, definition: JobDefinition, configuration: Configuration | None
) -> bool:
    """Whether the caller may cancel this job now."""
    try:
        demand_stop(caller, job, definition, configuration)
    except (NotPermitted, StopForbidden):
        return False
    return True


def demand_force(
    caller: Caller, job: Job, definition: JobDefinition, configuration: Configuration | None
) -> None:
    """Raise NotPermitted unless the caller may end this job by force."""
    doing = f"forcing job {job.id}"
    demand(caller, Role.ADMIN, doing, configuration, definition.environment, definition.pipeline)


def demand_own_stop(
    caller: Caller, definition: JobDefinition, configuration: Configuration | None
) -> None:
    """Raise NotPermitted or StopForbidden unless the caller could cancel, in each of its phases,
    a job that he submits."""
    stop = definition.pipeline.stop
    for policy in (stop.queued, stop.preparing, stop.acquiring, stop.applying, stop.cleaning_up):
        _demand_by_policy(caller, policy, caller.uid, None, definition, configuration)


def _demand_by_policy(
    caller: Caller,
    policy: StopPolicy,
    owner: int,
    job: int | None,
    definition: JobDefinition,
    configuration: Configuration | None,
) -> None:
    what = "this job when its client is gone" if job is None else f"job {job}"
    role, doing = Role.ADMIN, f'cancelling {what} (stop = "{policy.value}")'
    match policy:
        case StopPolicy.SUBMITTERS:
            role = Role.SUBMITTER
        case StopPolicy.OWNER:
            if caller.uid == owner:
                return
        case StopPolicy.ADMINS:
            pass
        case StopPolicy.NOBODY:
            raise StopForbidden(job, definition.pipeline.name, admins_of(configuration))
    demand(caller, role, doing, configuration, definition.environment, definition.pipeline)


def strictest(rules: StopRules, job: Job) -> StopPolicy:
    """The policy for the phases that the job is in; of steps in parallel the strictest counts."""
    match job.phase:
        case JobQueued():
            return rules.queued
        case JobPreparing() | JobCancelling(run=None):
            return rules.preparing
    found = []
    for step in job.steps:
        match step.phase:
            case Acquiring():
                found.append(rules.acquiring)
            case Applying() | Cancelling():
                found.append(rules.applying)
            case CleaningUp():
                found.append(rules.cleaning_up)
    order = list(StopPolicy)
    return max(found, key=order.index, default=rules.applying)


def admins_of(configuration: Configuration | None) -> tuple[str, ...]:
    """Who holds the role admin for the whole daemon."""
    if configuration is None or configuration.roles is None:
        return OWNERS
    return configuration.roles.admin


def _inner_levels(
    environment: EnvironmentDefinition | None, pipeline: PipelineDefinition | None
) -> Iterator[Level]:
    for place in (environment, pipeline):
        if place is not None and place.roles is not None:
            yield Level(place.origin or place.name, place.roles)


def _holds(caller: Caller, role: Role, roles: Roles) -> bool:
    return any(
        _named(caller, roles.holders(candidate)) for candidate in Role if candidate.includes(role)
    )


def _named(caller: Caller, holders: tuple[str, ...]) -> bool:
    return any(_is(caller, holder) for holder in holders)


def _is(caller: Caller, holder: str) -> bool:
    """A user whose name looks like a group or like everybody is neither."""
    if holder.startswith("@"):
        return holder[1:] in caller.groups
    return holder in ("*", caller.user)


def _denied(caller: Caller, role: Role, doing: str, level: Level) -> NotPermitted:
    holders = tuple(
        dict.fromkeys(
            holder
            for candidate in Role
            if candidate.includes(role)
            for holder in level.roles.holders(candidate)
        )
    )
    have = ", ".join(holders) if holders else "nobody"
    return NotPermitted(
        f"{doing} needs the role {role.value}, which {caller.user} does not have in {level.where}; "
        f"these have it: {have}",
        role,
        holders,
    )
