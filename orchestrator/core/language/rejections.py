"""Why a command was refused. One class for each cause; the message is for the person who asked.

A rejection changes nothing. `kind` is the stable word that clients see.
"""

import difflib
from collections.abc import Iterable
from typing import ClassVar

from orchestrator.core.language.words import Role


class Rejection(Exception):
    """Base of every refusal; only its subclasses are raised."""

    kind: ClassVar[str]


class NotFound(Rejection):
    """What was named does not exist. `near` are names that may have been meant."""

    near: tuple[str, ...] = ()


class UnknownPipeline(NotFound):
    """No pipeline has this name."""

    kind = "unknown-pipeline"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.near = near(name, known)
        super().__init__(f"there is no pipeline {name!r}{did_you_mean(self.near)}")


class UnknownEnvironment(NotFound):
    """No environment has this name."""

    kind = "unknown-environment"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.near = near(name, known)
        super().__init__(f"there is no environment {name!r}{did_you_mean(self.near)}")


class UnknownJob(NotFound):
    """No job has this number."""

    kind = "unknown-job"

    def __init__(self, job: int) -> None:
        super().__init__(f"there is no job {job}; see: orchestrator jobs")


class EnvironmentRetired(Rejection):
    """The environment was taken out of the configuration and only empties itself."""

    kind = "environment-retired"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"environment {name} was removed from the configuration; it takes no new jobs and "
            "goes when its last job, debt or quarantine has ended"
        )


class NotInEnvironment(Rejection):
    """The pipeline is not for this environment."""

    kind = "pipeline-not-in-environment"

    def __init__(self, pipeline: str, environment: str, allowed: tuple[str, ...]) -> None:
        super().__init__(
            f"pipeline {pipeline} does not run in {environment}, only in {', '.join(allowed)}"
        )


class InvalidParameters(Rejection):
    """The parameters do not fit what the pipeline declares. `problems` are the mistakes, where
    there are several."""

    kind = "invalid-parameters"

    def __init__(self, text: str, problems: tuple[str, ...] = ()) -> None:
        self.problems = problems
        super().__init__(text)


class NotPermitted(Rejection):
    """The caller lacks a role. `holders` are those who have it, as the configuration names them."""

    kind = "not-permitted"

    def __init__(self, text: str, role: Role, holders: tuple[str, ...]) -> None:
        self.role = role
        self.holders = holders
        super().__init__(text)


class StopForbidden(Rejection):
    """Nobody may stop this job in its present phase, except an admin by force; or, without a job,
    one that would be stopped when its client is gone, in some phase."""

    kind = "stop-forbidden"

    def __init__(self, job: int | None, pipeline: str, admins: tuple[str, ...]) -> None:
        self.role = Role.ADMIN
        self.holders = admins
        forbids = f'pipeline {pipeline} says stop = "nobody"'
        if job is None:
            super().__init__(
                f"this job could not always be cancelled when its client is gone: {forbids}; "
                "submit it without --on-disconnect cancel"
            )
            return
        super().__init__(
            f"job {job} can't be stopped: {forbids}; "
            f"only an admin ({', '.join(admins) or 'nobody has that role'}) may: "
            f"orchestrator cancel {job} --force"
        )


class DeniedByPlugin(Rejection):
    """An installed plugin denies what the roles allow."""

    kind = "denied-by-plugin"

    def __init__(self, user: str, action: str, target: str) -> None:
        super().__init__(
            f"a plugin of this daemon denies {user} to {action} {target}; see: orchestrator plugins"
        )


class JobAlreadyFinished(Rejection):
    """The job has ended; there is nothing to stop."""

    kind = "job-finished"

    def __init__(self, job: int, conclusion: str) -> None:
        self.phase = "finished"
        super().__init__(f"job {job} has ended already: {conclusion}")


class JobNotFinished(Rejection):
    """The job runs or waits still, so it can't be retried."""

    kind = "job-not-finished"

    def __init__(self, job: int, phase: str) -> None:
        self.phase = phase
        super().__init__(f"job {job} is {phase}; only a finished job can be retried")


class NothingToApprove(Rejection):
    """Nobody is asked to approve this now."""

    kind = "nothing-to-approve"

    def __init__(self, what: str, state: str, phase: str) -> None:
        self.phase = phase
        super().__init__(
            f"{what} does not await an approval: it is {state}; what does: orchestrator approvals"
        )


class ApprovedAlready(Rejection):
    """This person has said yes to it before; a yes counts once."""

    kind = "approved-already"

    def __init__(self, what: str, user: str, left: str) -> None:
        super().__init__(
            f"{user} has approved {what} already, and a yes counts once; it still needs {left}"
        )


class AnsweredAlready(Rejection):
    """This person has answered another question of the job: a repeat must not answer this one."""

    kind = "answered-already"

    def __init__(self, job: int, user: str, step: str) -> None:
        super().__init__(
            f"{user} has answered job {job} already; what asks now is its step {step}: "
            f"orchestrator approve {job} {step}, or: orchestrator reject {job} {step}"
        )


class OwnJob(Rejection):
    """Who submitted a job may not approve it (`not_submitter`)."""

    kind = "own-job"

    def __init__(self, what: str, user: str) -> None:
        super().__init__(
            f"{user} submitted {what}, and its approval says not_submitter: somebody else must "
            "approve it"
        )


class StepNotNamed(Rejection):
    """Several steps of the job ask something, so the step must be named."""

    kind = "step-not-named"

    def __init__(self, job: int, steps: Iterable[str]) -> None:
        named = ", ".join(steps)
        super().__init__(f"several steps of job {job} ask for an approval, so name one: {named}")


class UnknownStep(NotFound):
    """The job has no step of this name."""

    kind = "unknown-step"

    def __init__(self, job: int, name: str, known: Iterable[str]) -> None:
        self.near = near(name, known)
        super().__init__(f"job {job} has no step {name!r}{did_you_mean(self.near)}")


class KeyReused(Rejection):
    """The same key came with another request."""

    kind = "key-reused"

    def __init__(self, key: str, job: int) -> None:
        self.job = job
        super().__init__(f"key {key!r} was used for job {job} with another request; use a new key")


class NothingOwed(Rejection):
    """There is neither a debt nor a quarantine to let go."""

    kind = "nothing-owed"

    def __init__(self, environment: str) -> None:
        super().__init__(f"environment {environment} owes no cleanup and is not under quarantine")


class NotDueYet(Rejection):
    """What is owed is owed by jobs that are still at work: their cleanup follows by itself."""

    kind = "not-due-yet"

    def __init__(self, environment: str, job: int) -> None:
        super().__init__(
            f"job {job} is still at work in {environment}, and its cleanup falls due when it has "
            f"ended; to end it: orchestrator cancel {job}"
        )


class NotOwed(Rejection):
    """What a run was said to pay (`--pays JOB`) is not owed, or not by this pipeline."""

    kind = "not-owed"


class CleanupAtWork(Rejection):
    """The owed cleanup runs at this moment, so its debt can't be waived."""

    kind = "cleanup-at-work"

    def __init__(self, environment: str, job: int) -> None:
        super().__init__(
            f"job {job} cleans up {environment} at this moment; wait for it, or cancel it first: "
            f"orchestrator cancel {job}"
        )


class NotQuarantined(Rejection):
    """There is nothing to look at again."""

    kind = "not-quarantined"

    def __init__(self, environment: str) -> None:
        super().__init__(f"environment {environment} is not under quarantine")


class NothingToRecheck(Rejection):
    """The quarantine came from nothing that a look could tell of: a cleanup that failed, or a step
    whose end nobody saw and whose adapter has nothing to look at."""

    kind = "nothing-to-recheck"

    def __init__(self, environment: str, why: str, run: str | None) -> None:
        again = f"run its cleanup: {run}, or " if run else ""
        super().__init__(
            f"there is nothing to look at in {environment}: {why}; {again}"
            f"an admin: orchestrator waive {environment} --reason …"
        )


class RecheckAtWork(Rejection):
    """A recheck was asked for already, and is not over."""

    kind = "recheck-at-work"

    def __init__(self, environment: str, id: str) -> None:
        super().__init__(
            f"environment {environment} is being looked at again already; wait for it, or stop it "
            f"first: orchestrator cancel {id}"
        )


class NoRecheck(Rejection):
    """There is no recheck of this number to stop."""

    kind = "no-recheck"

    def __init__(self, id: str, environment: str) -> None:
        super().__init__(
            f"recheck {id} is over, or was never asked for; see: orchestrator environment "
            f"{environment}"
        )


class NoUnknownRun(NotFound):
    """The journal knows of no unknown run by this number."""

    kind = "no-unknown-run"

    def __init__(self, job: int, known: Iterable[int]) -> None:
        there = ", ".join(map(str, known))
        super().__init__(
            f"job {job} is no run that the journal does not know; "
            + (f"these are: {there}" if there else "there is none")
        )


class MissingReason(Rejection):
    """A reason must be given."""

    kind = "missing-reason"

    def __init__(self, verb: str) -> None:
        super().__init__(f"{verb} needs a reason; it goes to the journal: --reason TEXT")


class NotDraining(Rejection):
    """There is no drain to end."""

    kind = "not-draining"

    def __init__(self) -> None:
        super().__init__("the daemon is not draining")


class StaleObservation(Rejection):
    """The shell reports something about a phase that is over. It is dropped."""

    kind = "stale-observation"


class StopComesFirst(Rejection):
    """A stop was journalled before this process or call was, so it must not begin."""

    kind = "stop-comes-first"


def near(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Up to three of the known names that resemble `name`, the nearest first."""
    return tuple(difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.6))


def did_you_mean(names: Iterable[str]) -> str:
    """`; did you mean a or b?`, or nothing when nothing is near."""
    found = list(names)
    return f"; did you mean {' or '.join(found)}?" if found else ""
