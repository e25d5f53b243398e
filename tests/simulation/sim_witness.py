"""Watches from outside: what was committed, and what the tools really did.

Nothing here asks the core. The rules are written again, from the facts of the journal (who was
admitted, what was said) and from the processes themselves.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import Configuration, JobDefinition
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import (
    CallRecord,
    Debt,
    Ending,
    Record,
    StepRef,
)
from orchestrator.core.language.words import JobConclusion, Section, StepConclusion, StopCause
from tests.simulation.fake_tool import FakeProcess
from tests.simulation.sim_approvals import check_question, check_waiting
from tests.simulation.sim_attempts import check_attempts
from tests.simulation.sim_fairness import check_fairness
from tests.simulation.sim_sections import check_sections, is_handler, see_stop
from tests.simulation.sim_seen import Execution, Seen, Violation
from tests.simulation.sim_truth import check_applied, check_job_end
from tests.simulation.simulated_host import SimulatedHost

ASKING = (ev.StepAsked, ev.StepApproved, ev.StepAnswered, ev.StepQuestionWithdrawn)
WAITING = (
    ev.ApprovalRequested,
    ev.JobApproved,
    ev.JobReady,
    ev.JobAdmitted,
    ev.JobWaitedLong,
    ev.JobStopRequested,
    ev.JobEnded,
)


class Witness:
    """Told of each commit and of each tool, at the moment of either."""

    host: SimulatedHost

    def __init__(self) -> None:
        self.lines: list[tuple[int, ev.Stamped]] = []
        self.jobs: dict[int, Seen] = {}
        self.executions: list[Execution] = []
        self.owed: dict[int, Debt] = {}
        self.touched: set[int] = set()
        self.findings: dict[str, set[StepRef]] = {}
        self.looked_at: dict[str, set[StepRef]] = {}
        self.unseen: set[StepRef] = set()
        self.closed: set[str] = set()
        self.configuration: Configuration | None = None
        self._definitions: dict[str, JobDefinition] = {}
        self._places: set[Path] = set()
        self.last_id = 0
        self.rechecked = False
        self.drained = False
        self.violations: list[AssertionError] = []
        self.give_up: Callable[[], None] = lambda: None

    # --- tools -----------------------------------------------------------------------------

    def executed(self, directory: Path, process: FakeProcess) -> None:
        """A tool begins."""
        assert process.spec is not None
        env = process.spec.env
        phase, _, key = directory.name.partition("~")[0].partition("-")
        if phase == "recheck":
            key = directory.name
        new = Execution(
            job=int(env["ORCHESTRATOR_JOB_ID"]),
            environment=env["ORCHESTRATOR_ENVIRONMENT"],
            step=env["ORCHESTRATOR_STEP"],
            attempt=int(env["ORCHESTRATOR_ATTEMPT"]),
            phase=phase,
            key=key,
            process=process,
        )
        self._demand_first_execution(directory)
        if phase != "recheck":
            self._demand_open(new)
            self._demand_debt(new)
            for other in self.executions:
                if other.process.alive and other.job != new.job:
                    self._demand_compatible(other, new)
        self.executions.append(new)

    def _demand_first_execution(self, directory: Path) -> None:
        place = directory.with_name(directory.name.partition("~")[0])
        if place in self._places:
            raise Violation(f"{place}: executed twice")
        self._places.add(place)

    def _demand_open(self, new: Execution) -> None:
        seen = self.jobs[new.job]
        if seen.ended is not None:
            raise Violation(f"a tool of job {new.job} was started, which does not run")
        if seen.admitted is None and seen.step(new.step).section is Section.STEPS:
            raise Violation(f"a tool of job {new.job} was started, which was not admitted")
        if new.step in seen.steps and not seen.quarantined:
            raise Violation(f"a tool of step {new.step} of job {new.job}, which has ended")

    def _demand_debt(self, new: Execution) -> None:
        seen = self.jobs[new.job]
        works = new.phase in ("acquire", "apply") and seen.admitted is not None
        if works and seen.step(new.step).touches and seen.definition.cleanup is not None:
            if new.job not in self.owed and new.job not in self.touched:
                raise Violation(f"job {new.job} touches {new.environment} and owes nothing")
            self.touched.add(new.job)

    def _demand_compatible(self, other: Execution, new: Execution) -> None:
        first, second = self.jobs[other.job], self.jobs[new.job]
        if first.quarantined:
            return  # an admin, or its cleanup, may act beside what could not be ended
        if first.admitted is None or second.admitted is None:
            return  # what prepares, and the handlers of what has only prepared, hold nothing
        if other.environment == new.environment and self._exclude(first, second):
            raise Violation(
                f"tools of job {other.job} ({other.step}, {other.phase}) and job {new.job} "
                f"({new.step}, {new.phase}) at once in {new.environment}"
            )
        shared = self.locks_of(first) & self.locks_of(second)
        if other.environment != new.environment and shared:
            raise Violation(f"jobs {other.job} and {new.job} both hold {shared}")

    def _exclude(self, first: Seen, second: Seen) -> bool:
        return any(
            excludes(one.admitted_under, first.submitted.kind, second.submitted.kind)
            for one in (first, second)
        )

    # --- the journal -----------------------------------------------------------------------

    def committed(self, ids: range, events: Sequence[ev.Stamped]) -> None:
        """These lines are on disk. A daemon would outlive an exception here, so it is kept."""
        try:
            self._look_at(ids, events)
        except AssertionError as violation:
            self.violations.append(violation)
            self.give_up()

    def _look_at(self, ids: range, events: Sequence[ev.Stamped]) -> None:
        if ids.start != self.last_id + 1:
            raise Violation(f"line {ids.start} follows line {self.last_id}")
        self.last_id = ids.stop - 1
        for id, stamped in zip(ids, events, strict=True):
            self.lines.append((id, stamped))
            if isinstance(stamped.event, WAITING):
                check_waiting(self._open(stamped.event.job), stamped.event, stamped.at)
            if isinstance(stamped.event, ASKING):
                check_question(self._open(stamped.event.ref.job), stamped.event, stamped.at)
            self._see(id, stamped.event, stamped.at)

    def _see(self, id: int, event: ev.AnyEvent, at: Instant) -> None:
        match event:
            case ev.ConfigAccepted(configuration=configuration):
                self.configuration = configuration
            case ev.DefinitionRecorded(digest=digest, definition=definition):
                self._definitions[digest] = definition
            case ev.JobSubmitted(job=job):
                if job in self.jobs:
                    raise Violation(f"job {job} was submitted twice")
                self.jobs[job] = Seen(event, at, self._definitions[event.definition])
            case ev.DrainStarted() | ev.DrainEnded():
                self.drained = isinstance(event, ev.DrainStarted)
            case ev.JobAdmitted():
                self._see_admission(id, event)
            case ev.JobEnded():
                self._see_job_end(id, event)
            case ev.DebtIncurred() | ev.DebtPaid() | ev.DebtWaived():
                self._see_debt(event)
            case (
                ev.RecheckRequested()
                | ev.RecheckStarted()
                | ev.Quarantined()
                | ev.Rechecked()
                | ev.FindingSettled()
                | ev.QuarantineLifted()
            ):
                self._see_quarantine(event)
                self._see_trouble(event)
            case ev.JobStopRequested() | ev.JobForceRequested() | ev.JobForced():
                see_stop(self._open(event.job), event)
            case (
                ev.StepStarted(ref=ref)
                | ev.StepApplying(ref=ref)
                | ev.StepStopRequested(ref=ref)
                | ev.StepForced(ref=ref)
                | ev.StepApplied(ref=ref)
                | ev.StepRetryScheduled(ref=ref)
                | ev.StepRetryDue(ref=ref)
                | ev.StepFinished(ref=ref)
                | ev.StepNotRun(ref=ref)
                | ev.StepWaiting(ref=ref)
                | ev.StepRecorded(ref=ref)
            ):
                self._see_step(self._open(ref.job), ref, event)
                check_attempts(self._open(ref.job), ref, event, at)

    def _see_quarantine(self, event: ev.AnyEvent) -> None:
        match event:
            case ev.Quarantined(environment=environment):
                self.closed.add(environment)
            case ev.QuarantineLifted(environment=environment):
                self.closed.discard(environment)

    def _see_trouble(
        self,
        event: ev.RecheckRequested
        | ev.RecheckStarted
        | ev.Quarantined
        | ev.Rechecked
        | ev.FindingSettled
        | ev.QuarantineLifted,
    ) -> None:
        """What a step left behind is gone when a look has found it gone, or an admin says so."""
        left = self.findings.setdefault(event.environment, set())
        match event:
            case ev.RecheckRequested():
                self.rechecked = True
            case ev.RecheckStarted(environment=environment):
                self._see_look(environment)
            case ev.Quarantined(job=job, findings=findings):
                self.jobs[job].quarantined = True
                left.update(finding.ref for finding in findings)
                self.unseen.update(left.ref for left in findings if left.settled_by_cleanup)
            case ev.Rechecked(ref=ref, finding=found):
                if found is None:
                    left.remove(ref)
                unlooked = self.looked_at[event.environment]
                unlooked.remove(ref)
                if not unlooked:
                    del self.looked_at[event.environment]
            case ev.FindingSettled(ref=ref, by_job=payer):
                # What a cleanup left is settled by the next that pays the same.
                settles = {ref.job, *self._paid_by(ref.job)} & self._paid_by(payer)
                if not settles:
                    raise Violation(f"job {payer} does not pay for {ref}, and settles it")
                left.remove(ref)
            case ev.QuarantineLifted(reason=reason):
                if left and not reason.startswith("waived: "):
                    raise Violation(f"{event.environment} is free, and nobody looked at {left}")
                left.clear()

    def _paid_by(self, job: int) -> set[int]:
        admitted = self.jobs[job].admitted
        return set() if admitted is None else set(admitted.run.pays)

    def _see_look(self, environment: str) -> None:
        for job, other in self.jobs.items():
            runs = other.admitted is not None and other.ended is None
            if other.environment == environment and runs:
                raise Violation(f"{environment} is looked at while job {job} runs")
        self.looked_at[environment] = {
            ref for ref in self.findings[environment] if ref not in self.unseen
        }

    def _see_debt(self, event: ev.DebtIncurred | ev.DebtPaid | ev.DebtWaived) -> None:
        match event:
            case ev.DebtIncurred(debt=debt):
                if self.jobs[debt.job].admitted is None:
                    raise Violation(f"job {debt.job} owes, and was never admitted")
                self.owed[debt.job] = debt
            case ev.DebtPaid(job=job, paid_by=payer):
                self._demand_paid(job, payer)
                del self.owed[job]
            case ev.DebtWaived(job=job):
                del self.owed[job]

    def _open(self, job: int) -> Seen:
        seen = self.jobs[job]
        if seen.ended is not None:
            raise Violation(f"something happens in job {job} after its end")
        return seen

    def _see_step(self, seen: Seen, ref: StepRef, event: ev.AnyEvent) -> None:
        if ref.step in seen.steps:
            raise Violation(f"{type(event).__name__} after the end of step {ref.step} of {ref.job}")
        check_sections(seen, ref, event)
        self._demand_no_drain(seen, ref, event)
        match event:
            case ev.StepApplying() if ref.step in seen.stops:
                raise Violation(f"{ref} is applied after a stop")
            case ev.StepRecorded(record=record) if ref.step in seen.stops:
                _demand_allowed_after_stop(ref, record)
            case ev.StepStopRequested(stop=stop):
                seen.stops.add(ref.step)
                if stop.cause is StopCause.HALT:
                    seen.gave_way.add(ref.step)
            case ev.StepForced():
                seen.forced.add(ref.step)
            case ev.StepApplied(ending=ending):
                check_applied(seen, ref, ending, list(self._executions_of(ref)))
            case ev.StepFinished(ending=ending, finding=finding):
                if finding is not None:
                    seen.findings.append(finding)
                else:
                    self._demand_nothing_left(seen, ref)
                    self._demand_seen(seen, ref, ending)
                seen.steps[ref.step] = ending.conclusion
            case ev.StepRetryScheduled():
                self._demand_nothing_left(seen, ref)
            case ev.StepNotRun(ending=ending):
                seen.steps[ref.step] = ending.conclusion

    def _demand_no_drain(self, seen: Seen, ref: StepRef, event: ev.AnyEvent) -> None:
        prepares = seen.admitted is None and not is_handler(seen, ref.step)
        starts = isinstance(event, ev.StepStarted)
        repairs = seen.submitted.cleanup_for is not None or seen.submitted.pays is not None
        if starts and prepares and self.drained and not repairs:
            raise Violation(f"{ref} began although the daemon is drained")

    def _executions_of(self, ref: StepRef) -> Iterator[Execution]:
        return (execution for execution in self.executions if execution.ref == ref)

    def _demand_seen(self, seen: Seen, ref: StepRef, ending: Ending) -> None:
        """What nobody saw end, nor can look at, is not clean."""
        step = seen.step(ref.step)
        ran = any(self._executions_of(ref))
        if ending.conclusion is StepConclusion.LOST and step.touches and not step.verifies and ran:
            raise Violation(f"{ref} is lost and clean, and nobody can have looked")

    def _demand_nothing_left(self, seen: Seen, ref: StepRef) -> None:
        """A step that ended clean has no tool that runs."""
        for one in self._executions_of(ref):
            if one.process.alive:
                raise Violation(f"{ref} ended clean, and its {one.phase}-{one.key} still runs")

    # --- jobs ------------------------------------------------------------------------------

    def _see_admission(self, id: int, event: ev.JobAdmitted) -> None:
        seen = self._open(event.job)
        if seen.admitted is not None:
            raise Violation(f"job {event.job} was admitted twice")
        seen.admitted, seen.admitted_under = event, self.configuration
        seen.admitted_at_line = id
        repairs = any(self.pays(seen, debt) for debt in self.owed.values())
        if not repairs and not self.drained:
            owed = self.owed.values()
            check_fairness(seen, self.jobs, owed, self.closed, self.configuration)
        for job, debt in self.owed.items():
            other = self.jobs[job]
            if job == event.job or self.pays(seen, debt):
                continue
            same = other.environment == seen.environment
            if (
                same
                and not repairs
                and excludes(self.configuration, debt.kind, seen.submitted.kind)
            ):
                raise Violation(f"job {event.job} was admitted although job {job} owes a cleanup")
            shared = self.locks_of(other) & self.locks_of(seen)
            if other.ended is not None and not same and shared:
                raise Violation(f"job {event.job} took {shared}, kept by the debt of job {job}")
        self._demand_no_look(seen)
        for job, other in self.jobs.items():
            if job == event.job or other.admitted is None or other.ended is not None:
                continue
            if other.environment == seen.environment and self._exclude(other, seen):
                raise Violation(f"job {event.job} was admitted beside job {job}")
            if other.environment != seen.environment and self.locks_of(other) & self.locks_of(seen):
                raise Violation(f"job {event.job} was admitted with a lock that job {job} holds")

    def locks_of(self, seen: Seen) -> set[str]:
        """What a job must hold: the locks of what it pays, else those of its environment when it
        was admitted."""
        assert seen.admitted is not None
        paid = seen.admitted.run.pays
        if not paid:
            return set(seen.locks())
        return set().union(*(self.locks_of(self.jobs[job]) for job in paid))

    def _demand_no_look(self, seen: Seen) -> None:
        """Nothing starts beside a look at what was left, nor takes the locks of what was left."""
        if seen.environment in self.looked_at:
            raise Violation(
                f"{seen.environment} is looked at, and job {seen.submitted.job} was admitted"
            )
        for environment, refs in self.findings.items():
            left = [self.jobs[ref.job] for ref in refs if environment != seen.environment]
            for other in left:
                held = other.admitted is not None and other.ended is not None
                if held and self.locks_of(other) & self.locks_of(seen):
                    raise Violation(
                        f"job {seen.submitted.job} took what job {other.submitted.job} left locked"
                    )

    def pays(self, seen: Seen, debt: Debt) -> bool:
        """Whether this job is the run of the cleanup that is owed, or said to be by an admin."""
        indebted, asked = self.jobs[debt.job], seen.submitted
        if indebted.ended is None or seen.environment != indebted.environment:
            return False
        if asked.pays is not None:
            return asked.pays == debt.job and asked.pipeline == debt.pipeline
        if seen.definition.pipeline.env:  # it reads which debt it pays
            return asked.cleanup_for == debt.job
        return (asked.definition, asked.params) == (debt.definition, debt.params)

    def _demand_paid(self, job: int, payer: int) -> None:
        indebted, paid_by = self.jobs[job], self.jobs[payer]
        if not self.pays(paid_by, self.owed[job]):
            raise Violation(f"job {payer} is not the cleanup that job {job} owes")
        if paid_by.ended is None or paid_by.ended.conclusion is not JobConclusion.SUCCESS:
            raise Violation(f"job {payer} did not succeed, yet paid the debt of job {job}")
        if paid_by.admitted is None and paid_by.submitted.cleanup_for == job:
            return  # its `before` found nothing to clean
        if paid_by.admitted_at_line < indebted.ended_at_line:
            raise Violation(f"job {payer} began before job {job} had ended")

    def _see_job_end(self, id: int, event: ev.JobEnded) -> None:
        seen = self._open(event.job)
        seen.ended, seen.ended_at_line = event, id
        if seen.admitted is None and not seen.submitted.prepares:
            return
        if event.job in self.touched and event.job not in self.owed:
            raise Violation(f"the debt of job {event.job} was gone before its end")
        check_job_end(seen, event)
        for execution in self.executions:
            if execution.job == event.job and execution.process.alive and not seen.quarantined:
                raise Violation(
                    f"job {event.job} ended, and its {execution.phase}-{execution.key} still runs"
                )


def _demand_allowed_after_stop(ref: StepRef, record: Record) -> None:
    """What asks for the stop and what cleans up may begin; what had begun may end."""
    ends = isinstance(record, CallRecord) and record.done
    if record.phase in ("acquire", "apply") and not ends:
        raise Violation(f"{ref} begins {record.phase}-{record.key} after a stop")


def excludes(configuration: Configuration | None, one: str, other: str) -> bool:
    """Whether two kinds exclude each other."""
    assert configuration is not None
    kinds = configuration.kinds
    return other in kinds.get(one, ()) or one in kinds.get(other, ())
