"""Looking again at what steps left behind: asked for, admitted like a cleanup, stopped, over.

Only a look, or an admin's word, lifts a finding: the success of another run has cleaned up what
that run knows of, which is not proof.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.durations import written
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import Environment, Quarantine, Stop
from orchestrator.core.language.rejections import (
    NoRecheck,
    NothingToRecheck,
    NotQuarantined,
    RecheckAtWork,
    StaleObservation,
)
from orchestrator.core.language.suggested_commands import recheck_id
from orchestrator.core.language.words import BlockerType, Role, StopCause
from orchestrator.core.rules.admission import no_slot
from orchestrator.core.rules.lacks import Blocker, running_blocker, unknown_blockers
from orchestrator.core.rules.lookups import known_environment
from orchestrator.core.rules.payment import how_to_pay
from orchestrator.core.rules.permissions import demand_in
from orchestrator.core.rules.seniority import rank
from orchestrator.core.world.deadlines import recheck_limit
from orchestrator.core.world.queues import Entry
from orchestrator.core.world.world import World


def recheck(world: World, request: cmd.Recheck) -> Iterator[ev.AnyEvent]:
    """Have every finding of a quarantine looked at again."""
    environment = known_environment(world, request.environment)
    name, configuration = environment.name, world.configuration
    demand_in(request.caller, Role.SUBMITTER, f"rechecking {name}", configuration, name)
    quarantine = environment.quarantine
    if quarantine is None:
        raise NotQuarantined(environment.name)
    if quarantine.rechecking:
        raise RecheckAtWork(environment.name, id_of(environment.name, quarantine))
    if not quarantine.lookable:
        owed = next((how_to_pay(world, environment.name, debt) for debt in environment.debts), None)
        why = "nobody saw a step end" if quarantine.findings else "its cleanup failed"
        raise NothingToRecheck(environment.name, why, owed)
    number = environment.next_recheck
    yield ev.RecheckRequested(environment.name, reason=request.reason, number=number)


def stop_recheck(world: World, request: cmd.StopRecheck, now: Instant) -> Iterator[ev.AnyEvent]:
    """Ask a recheck to stop, or end it by force. Asking twice changes nothing."""
    environment = known_environment(world, request.environment)
    id = recheck_id(environment.name, request.round)
    role = Role.ADMIN if request.force else Role.SUBMITTER
    doing = f"stopping recheck {id}"
    demand_in(request.caller, role, doing, world.configuration, environment.name)
    quarantine = environment.quarantine
    if quarantine is None or quarantine.look is None or quarantine.recheck != request.round:
        raise NoRecheck(id, environment.name)
    look = quarantine.look
    if look.stop is None or (request.force and not look.forced):
        by = request.caller.actor
        stop = look.stop or Stop(cause=StopCause.CANCEL, at=now, by=by, reason=request.reason)
        yield ev.RecheckStopRequested(environment.name, stop, force=request.force)


def blockers(world: World, environment: Environment) -> Iterator[Blocker]:
    """What keeps a recheck that was asked for from starting: like a cleanup it runs alone, and may
    use the slot in reserve. Its locks are held already, by what was found."""
    quarantine = environment.quarantine
    if quarantine is None or not _waits(quarantine):
        return
    yield from unknown_blockers(environment)
    left_by = {finding.ref.job for finding in quarantine.findings}
    for job in world.jobs_at_work(environment.name):
        # What only prepares touches nothing; but of what left something, steps may go on.
        if job.run is not None or job.id in left_by:
            yield running_blocker(world, job, "a recheck runs alone")
    if world.slots.in_use > world.capacity:
        yield no_slot(world)


def start(world: World, environment: str) -> list[ev.AnyEvent]:
    """The start of the recheck that waits in an environment, if nothing is in its way."""
    state = world.environment(environment)
    if state.quarantine is None or not _waits(state.quarantine):
        return []
    if next(blockers(world, state), None) is not None:
        return []
    return [ev.RecheckStarted(environment)]


def place_in_line(world: World, environment: str) -> Iterator[Entry]:
    """Where a recheck stands among those that lack a slot only: with the repairs that wait."""
    state = world.environment(environment)
    quarantine = state.quarantine
    waits_for = [blocker.type for blocker in blockers(world, state)]
    only_a_slot = waits_for == [BlockerType.CAPACITY]
    if quarantine is not None and quarantine.look is not None and only_a_slot:
        yield (1, rank(world, quarantine.look.asked), quarantine.job)


def overdue(world: World, environment: str, now: Instant) -> list[ev.AnyEvent]:
    """The end, by force, of a recheck that has taken longer than it may."""
    quarantine = world.environment(environment).quarantine
    if quarantine is None or quarantine.look is None:
        return []
    limit = written(recheck_limit(quarantine) or 0.0)
    reason = f"its recheck took longer than cleanup_timeout: {limit}"
    stop = quarantine.look.stop or Stop(cause=StopCause.TIMEOUT, at=now, reason=reason)
    return [ev.RecheckStopRequested(environment, stop, force=True)]


def recheck_done(world: World, seen: cmd.RecheckDone) -> Iterator[ev.AnyEvent]:
    """A finding was looked at again; when the last one is clean the quarantine is lifted."""
    environment = world.environment(seen.environment)
    quarantine = environment.quarantine
    before = None
    if quarantine is not None and quarantine.is_looked_at:
        before = next((found for found in quarantine.findings if found.ref == seen.ref), None)
    if quarantine is None or before is None or seen.ref not in quarantine.rechecking:
        raise StaleObservation(f"no recheck of {seen.ref} runs in {seen.environment}")
    finding = seen.finding
    if finding is not None:
        finding = replace(before, found=finding.found, commands=finding.commands)
    yield ev.Rechecked(environment=seen.environment, ref=seen.ref, finding=finding)
    others_left = any(finding.ref != seen.ref for finding in quarantine.findings)
    # A cleanup that failed is no finding, and no look makes it good.
    unpaid = any(debt.job in quarantine.debts for debt in environment.debts)
    if finding is None and not others_left and not unpaid:
        yield ev.QuarantineLifted(environment=seen.environment, reason="rechecked, and clean")


def id_of(environment: str, quarantine: Quarantine) -> str:
    """What the recheck that was asked for last is called."""
    return recheck_id(environment, quarantine.recheck)


def _waits(quarantine: Quarantine) -> bool:
    return bool(quarantine.rechecking) and not quarantine.is_looked_at
