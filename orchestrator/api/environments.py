"""Environments, as the wire shows them."""

from orchestrator.api import plain, views, wire
from orchestrator.core.language.model import Debt, OpenRecheck, Quarantine
from orchestrator.core.language.rejections import UnknownEnvironment
from orchestrator.core.rules import rechecks
from orchestrator.core.rules.payment import how_to_pay
from orchestrator.core.world.world import World

LAST_SHOWN = 10
"""How many of the jobs that ended last are shown."""


def names(world: World) -> list[str]:
    """Every environment that is configured, or in which something is still going on."""
    configured = world.configuration.environments if world.configuration is not None else {}
    at_work = (*world.running.items(), *world.preparing.items())
    open_jobs = [name for name, jobs in at_work if jobs]
    return sorted({*configured, *world.environments, *world.queues.environments, *open_jobs})


def demand_known(world: World, name: str) -> None:
    """Raise UnknownEnvironment."""
    known = names(world)
    if name not in known:
        raise UnknownEnvironment(name, known)


def environment(world: World, name: str, last: tuple[int, ...]) -> wire.Environment:
    """One environment; `last` are the jobs that ended last."""
    state = world.environment(name)
    configured = world.configuration.environments if world.configuration is not None else {}
    definition = configured.get(name)
    return wire.Environment(
        name=name,
        preparing=tuple(job.id for job in world.preparing_jobs(name)),
        running=tuple(job.id for job in world.running_jobs(name)),
        queued=tuple(job.id for job in world.queue(name)),
        debts=tuple(debt(owed) for owed in state.debts),
        quarantine=_quarantine(world, name, state.quarantine),
        holds=(),
        locks=definition.locks if definition is not None else (),
        retired=definition is None,
        last=last,
        unknown=tuple(run.job for run in state.unknown),
    )


def debt(of: Debt) -> wire.Debt:
    """An owed cleanup."""
    return wire.Debt(
        pipeline=of.pipeline,
        for_job=of.job,
        since=plain.time(of.since),
        locks=of.locks,
        due=of.conclusion is not None,
    )


def _quarantine(world: World, name: str, of: Quarantine | None) -> wire.Quarantine | None:
    if of is None:
        return None
    found = [finding.found for finding in of.findings]
    commands = [command for finding in of.findings for command in finding.commands]
    unseen = {finding.ref.job for finding in of.findings if finding.settled_by_cleanup}
    for debt in world.environment(name).debts:
        if debt.job in unseen or not of.lookable:
            commands.append(how_to_pay(world, name, debt))
    return wire.Quarantine(
        since=plain.time(of.since),
        job=of.job,
        step=of.findings[0].ref.step if of.findings else None,
        found="; ".join(found) or of.reason,
        commands=tuple(dict.fromkeys(commands)),
        lookable=bool(of.lookable),
        recheck=_recheck(world, name, of),
    )


def _cancel(look: OpenRecheck) -> wire.Cancel | None:
    stop = look.stop
    if stop is None:
        return None
    return wire.Cancel(
        cause=stop.cause.value,
        by=plain.person(stop.by) if stop.by is not None else None,
        reason=stop.reason or None,
        at=plain.time(stop.at),
        force=look.forced,
        force_available_at=None,
    )


def _recheck(world: World, name: str, of: Quarantine) -> wire.Recheck | None:
    look = of.look
    if look is None:
        return None
    waits_for = rechecks.blockers(world, world.environment(name))
    return wire.Recheck(
        id=rechecks.id_of(name, of),
        asked=plain.time(look.asked),
        by=look.by.user if look.by is not None else None,
        started=None if look.started is None else plain.time(look.started),
        cancel=_cancel(look),
        blockers=tuple(views.blocker(blocker) for blocker in waits_for),
    )
