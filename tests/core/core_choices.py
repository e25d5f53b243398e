"""What may happen next in a world, for tests that let anything happen."""

from typing import Any

import hypothesis.strategies as st
import msgspec

from orchestrator.core.language import commands as cmd
from orchestrator.core.language.definition import (
    ApprovalRule,
    CleanupReference,
    Configuration,
    OutcomeRule,
    Parameter,
    RetryPolicy,
    StepDefinition,
    StopRules,
)
from orchestrator.core.language.model import (
    Applying,
    BackingOff,
    CallRecord,
    Cancelling,
    CleaningUp,
    Finding,
    Finished,
    Job,
    Pending,
    ProcessRecord,
    StepRef,
)
from orchestrator.core.language.words import (
    LongWaitPolicy,
    Outcome,
    Role,
    RunningPolicy,
    Section,
    StepConclusion,
    StopPolicy,
)
from orchestrator.core.world.world import World
from tests.core.core_setup import ADA, BOB, EVE, ROOT, chain, config, finding, pipeline, ref, step

VERSION = (Parameter(name="version", default="v1"),)
PLAN_RULES = (
    OutcomeRule("exit 3", Outcome.HALT),
    OutcomeRule("exit 1", Outcome.WARN, skip=("smoke",)),
)
HALTS = PLAN_RULES[:1]
AGAIN = RetryPolicy(attempts=3, backoff=20.0, factor=2.0, on=("failure", "timed_out"))
AT_ONCE = RetryPolicy(attempts=2)
END_RULES = (OutcomeRule("failure", Outcome.WARN),)
HANDLERS = tuple(section for section in Section if section.is_handler)
QUESTION = ApprovalRule(roles=(Role.SUBMITTER,), count=2, expires=50)


def matrix(name: str, size: int, **fields: Any) -> tuple[StepDefinition, ...]:
    """A step over so many values, two of them at a time."""
    given = {"matrix_of": name, "max_parallel": 2} | fields
    return tuple(step(f"{name}[{value}]", matrix={"n": value}, **given) for value in range(size))


PIPELINES = (
    pipeline(
        "web",
        steps=(
            step("plan", touches=False, has_acquire=False, outcomes=PLAN_RULES),
            step("apply", needs=("plan",), timeout=100, grace=30, retry=AGAIN),
            step("smoke", needs=("plan",), takes_slot=False, has_cleanup=False, retry=AT_ONCE),
            step("end", needs=("apply", "smoke"), outcomes=END_RULES),
        ),
        cleanup=CleanupReference(pipeline="web-cleanup", params={"version": "${params.version}"}),
        params=VERSION,
        timeout=1000,
        halt_running=RunningPolicy.STOP,
    ),
    pipeline(
        "web-cleanup",
        "cleanup",
        params=VERSION,
        steps=(
            step("look", section=Section.BEFORE, touches=False, outcomes=HALTS),
            step("apply"),
            step("report", section=Section.FINALLY, touches=False),
        ),
    ),
    pipeline(
        "whole",
        steps=(
            step("build", section=Section.BEFORE, touches=False, retry=AT_ONCE),
            *matrix("test", 3, section=Section.BEFORE, touches=False, needs=("build",)),
            step("apply", outcomes=PLAN_RULES[:1]),
            *matrix("smoke", 3, needs=("apply",), retry=AT_ONCE, has_cleanup=False),
            *(step(f"on-{place}", section=section) for place, section in enumerate(HANDLERS)),
            step("again", section=Section.FINALLY, retry=AGAIN, surely_touches=True),
            step("last", section=Section.FINALLY, needs=("again",), takes_slot=False),
        ),
        cleanup="lab-cleanup",
        timeout=200,
        max_wait=300,
        approval=ApprovalRule(count=2, not_submitter=True, expires=1000),
        fail_running=RunningPolicy.STOP,
    ),
    pipeline(
        "api",
        steps=(step("apply", has_acquire=False, has_cleanup=False),),
        stop=StopRules(applying=StopPolicy.NOBODY),
    ),
    pipeline("lab", "lab", steps=chain("a", "b"), cleanup="lab-cleanup"),
    pipeline("lab-cleanup", "scrub", steps=(step("scrub", has_acquire=False),), force_after=10),
    pipeline(
        "e2e",
        "test",
        steps=(step("a", retry=AT_ONCE), step("b", outcomes=HALTS), step("c", retry=AGAIN)),
        fail_running=RunningPolicy.STOP,
        max_wait=100,
        on_max_wait=LongWaitPolicy.WARN,
    ),
)
NAMES = tuple(one.name for one in PIPELINES)
USUAL = {
    "deploy": ("deploy", "cleanup", "scrub"),
    "cleanup": ("deploy", "cleanup", "test"),
    "test": ("deploy",),
    "lab": ("scrub",),
    "scrub": ("scrub", "test"),
}
KINDS: dict[str, dict[str, tuple[str, ...]]] = {
    "usual": USUAL,
    "more": USUAL | {"test": ("deploy", "test")},
    "fewer": {"deploy": ("deploy",), "cleanup": ("deploy", "cleanup"), "test": ()},
}
LOCKS: dict[str, tuple[str, ...]] = {
    "one": ("vpc", "db"),
    "two": ("vpc",),
    "three": ("db",),
    "four": (),
}
ENVIRONMENTS = st.sampled_from(sorted(LOCKS))
PEOPLE = st.sampled_from([ADA, ADA, BOB, EVE, ROOT])
FAILED_ATTEMPTS = (StepConclusion.FAILURE, StepConclusion.CANCELLED, StepConclusion.LOST)
"""What the shell may say of an attempt that failed."""


class Variation(msgspec.Struct, frozen=True):
    """A configuration by what it lacks: an environment, pipelines, the locks of an environment."""

    capacity: int
    gone: str | None = None
    dropped: tuple[str, ...] = ()
    unlocked: str | None = None
    kinds: str = "usual"

    def configuration(self) -> Configuration:
        """The configuration itself."""
        locks = LOCKS if self.unlocked is None else LOCKS | {self.unlocked: ()}
        return config(
            *(one for one in PIPELINES if one.name not in self.dropped),
            environments={name: its for name, its in locks.items() if name != self.gone},
            kinds=KINDS[self.kinds],
            capacity=self.capacity,
        )


CAPACITIES = st.integers(1, 3)
OWING_LAB = ("lab", "whole", "lab-cleanup")
VARIATIONS = st.builds(
    Variation,
    capacity=CAPACITIES,
    gone=st.sampled_from([None, None, None, *LOCKS]),
    dropped=st.sampled_from([(), (), (), ("web", "web-cleanup"), OWING_LAB]),
    unlocked=st.sampled_from([None, None, "one"]),
    kinds=st.sampled_from(["usual", "usual", "more", "fewer"]),
)
"""Configurations that differ in what a reload may change; mostly whole ones."""


@st.composite
def submissions(draw: st.DrawFn) -> cmd.Submit:
    """A submission by anybody."""
    name = draw(st.sampled_from(NAMES))
    version = draw(st.sampled_from([None, "v2"]))
    return cmd.Submit(
        caller=draw(PEOPLE),
        pipeline=name,
        environment=draw(ENVIRONMENTS),
        params={"version": version} if version and name.startswith("web") else {},
        priority=draw(st.integers(-1, 2)),
        key=draw(st.sampled_from([None, None, None, "k"])),
        cancel_on_disconnect=draw(st.booleans()),
    )


@st.composite
def steps(draw: st.DrawFn, world: World) -> StepRef:
    """Mostly a step that is at work."""
    every = [ref(job.id, one.name, one.attempt) for job in world.jobs.values() for one in job.steps]
    active = [one for one in every if world.jobs[one.job].step(one.step).active]
    likely = active if active and draw(st.integers(0, 9)) < 9 else every
    return draw(st.sampled_from(likely or [ref(1)]))


@st.composite
def next_observations(draw: st.DrawFn, world: World) -> cmd.Command:
    """What the shell would say next of a step at work."""
    at_step = draw(steps(world))
    job = world.jobs.get(at_step.job)
    phase = None if job is None or not job.steps else job.step(at_step.step).phase
    if phase is None or isinstance(phase, Pending | BackingOff | Finished):
        return cmd.LookAtClock()
    match phase:
        case Applying() | Cancelling():
            exit = draw(st.sampled_from([0, 0, 0, 1, 3]))
            stopped = draw(st.sampled_from([None, True, False]))
            return cmd.ApplyDone(ref=at_step, succeeded=exit != 1, exit=exit, stopped=stopped)
        case CleaningUp():
            return cmd.CleanupDone(ref=at_step, finding=draw(findings(at_step)))
        case _:
            return cmd.AcquireDone(ref=at_step)


@st.composite
def rare_observations(draw: st.DrawFn, world: World) -> cmd.Command:
    """What the shell says where something went wrong, or too late."""
    at_step = draw(steps(world))
    process = ProcessRecord("apply", "tool", "boot-1")
    call = CallRecord("apply", "call", done=draw(st.booleans()))
    found = finding(at_step.job, at_step.step)
    every: list[cmd.Command] = [
        cmd.AcquireDone(ref=at_step),
        cmd.ApplyDone(ref=at_step, succeeded=True),
        cmd.CleanupDone(ref=at_step),
        *(cmd.AttemptFailed(at_step, one, "it said so") for one in FAILED_ATTEMPTS),
        cmd.NoteWaiting(ref=at_step, text=None),
        cmd.NoteWaiting(ref=at_step, text="a lock"),
        cmd.NoteWarning(ref=at_step, text="careful"),
        cmd.AttemptAbandoned(ref=at_step, finding=found),
        cmd.IntendProcess(ref=at_step, record=process),
        cmd.NoteCall(ref=at_step, record=call),
        cmd.Ask(ref=at_step, key="ok?", text="go on?", rule=QUESTION),
    ]
    return draw(st.sampled_from(every))


def observations(world: World) -> st.SearchStrategy[cmd.Command]:
    """What the shell may say."""
    likely = next_observations(world)
    return st.one_of(likely, likely, rare_observations(world))


def findings(at_step: StepRef) -> st.SearchStrategy[Finding | None]:
    """Mostly nothing."""
    return st.sampled_from([None] * 9 + [finding(at_step.job, at_step.step)])


@st.composite
def requests(draw: st.DrawFn, world: World, ended: dict[int, Job]) -> cmd.Command:
    """What people ask for, seldom enough."""
    job = draw(st.sampled_from(sorted(world.jobs) or [1]))
    where = draw(ENVIRONMENTS)
    every: list[cmd.Command] = [
        cmd.Cancel(caller=draw(PEOPLE), job=job),
        *(cmd.Approve(caller=caller, job=job) for caller in (ADA, BOB, ROOT, ROOT)),
        cmd.Reject(caller=draw(PEOPLE), job=job),
        cmd.Cancel(caller=ROOT, job=job, force=True),
        cmd.StartDrain(caller=ROOT),
        cmd.StartDrain(caller=ROOT, cancel=True),
        cmd.EndDrain(caller=ROOT),
        cmd.EndDrain(caller=ROOT),
        cmd.SeeClient(job=job, present=draw(st.booleans())),
        cmd.Waive(caller=ROOT, environment=where, reason="enough"),
        cmd.Recheck(caller=ADA, environment=where),
    ]
    if ended:
        every.append(_retry(world, ended[draw(st.sampled_from(sorted(ended)))], draw(PEOPLE)))
    return draw(st.sampled_from(every))


def _retry(world: World, job: Job, caller: cmd.Caller) -> cmd.Retry:
    return cmd.Retry(
        caller=caller,
        job=job.id,
        pipeline=job.pipeline,
        environment=job.environment,
        params=job.params,
        definition=world.definition(job),
    )


@st.composite
def repairs(draw: st.DrawFn, world: World, ended: dict[int, Job]) -> cmd.Command:
    """What would help an environment that is ill, if there is one."""
    ill = [one for one in world.environments.values() if one.quarantine is not None]
    if not ill:
        return cmd.LookAtClock()
    environment = draw(st.sampled_from(ill))
    name, quarantine = environment.name, environment.quarantine
    assert quarantine is not None
    every: list[cmd.Command] = [
        cmd.Waive(caller=ROOT, environment=name, reason="enough"),
        cmd.Recheck(caller=ADA, environment=name),
    ]
    if quarantine.look is not None:
        round, force = quarantine.recheck, draw(st.booleans())
        every.append(cmd.StopRecheck(ROOT, name, round=round, force=force))
    for at_step in quarantine.rechecking[:1] if quarantine.is_looked_at else ():
        every += [cmd.RecheckDone(name, at_step, draw(findings(at_step)))] * 2
    if quarantine.job in ended:
        every.append(_retry(world, ended[quarantine.job], ROOT))
    for debt in environment.debts[:1]:
        every.append(cmd.Submit(ROOT, debt.pipeline, name, debt.params))
    return draw(st.sampled_from(every))
