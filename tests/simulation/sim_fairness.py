"""Nobody takes what a senior keeps, told by what the journal said of both."""

from collections.abc import Collection, Iterable, Mapping

from orchestrator.core.language.definition import Configuration
from orchestrator.core.language.model import Debt
from tests.simulation.sim_seen import Seen, Violation


def check_fairness(
    admitted: Seen,
    jobs: Mapping[int, Seen],
    owed: Iterable[Debt],
    closed: Collection[str],
    configuration: Configuration | None,
) -> None:
    """No lock of a job that is admitted is needed by a senior that keeps it. `closed` are the
    environments under quarantine; a drain and runs that pay are the caller's to leave out."""
    if admitted.submitted.admin_retry:
        return
    for senior in jobs.values():
        if not _waits_before(senior, admitted) or senior.environment in closed:
            continue
        needed = _locks(senior, configuration)
        if not needed & {*admitted.locks()}:
            continue
        rivals = [
            one
            for one in jobs.values()
            if one.admitted is not None
            and one is not admitted
            and (one.environment == senior.environment or needed & {*one.locks()})
        ]
        asks = any(one.asked for one in rivals if one.ended is None)
        # Left out, though a run that repairs them may be at work: then it keeps its locks too.
        owes = any(jobs[debt.job].ended is not None and jobs[debt.job] in rivals for debt in owed)
        left = any(one.environment in closed for one in rivals)
        if not (asks or owes or left):
            raise Violation(
                f"job {admitted.submitted.job} took {needed}, which job "
                f"{senior.submitted.job} waits for longer"
            )


def _waits_before(senior: Seen, admitted: Seen) -> bool:
    one, other = senior.submitted, admitted.submitted
    if senior.admitted is not None or senior.ended is not None or senior.stop is not None:
        return False
    if one.prepares and senior.ready is None:
        return False
    owed = one.cleanup_for is not None or one.pays is not None
    return not owed and (one.rank, one.job) < (other.rank, other.job)


def _locks(seen: Seen, configuration: Configuration | None) -> set[str]:
    here = configuration.environments.get(seen.environment) if configuration is not None else None
    return {*(here or seen.definition.environment).locks}
