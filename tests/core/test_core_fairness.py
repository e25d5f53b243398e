"""Who waits longest goes first, for each thing that is shared: environment, lock, slot."""

import hypothesis
import hypothesis.strategies as st
import pytest
from msgspec.structs import replace

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import ApprovalRule, Configuration
from orchestrator.core.language.model import Acquiring, Applying
from orchestrator.core.language.words import Role, Section
from orchestrator.core.rules.passing import passed_over_by
from orchestrator.core.world.queues import queue_entry
from tests.core.core_invariants import keeps
from tests.core.core_setup import (
    ADA,
    API,
    E2E,
    ROOT,
    WEB,
    WEB_CLEANUP,
    accept,
    acquired,
    applied,
    audited,
    chain,
    cleaned,
    config,
    dirty,
    failed,
    pipeline,
    ref,
    step,
    submit,
    whole,
)
from tests.core.core_story import Story, given, like
from tests.seed_budget import examples

LOCKS = {
    "east": ("db",),
    "west": ("db",),
    "north": ("net",),
    "both": ("db", "net"),
    "free": (),
}
QUESTION = ApprovalRule(roles=(Role.SUBMITTER,), expires=1000)
ASK = cmd.Ask(ref=ref(1), key="ok?", text="go on?", rule=QUESTION)


def shared(**fields: object) -> Configuration:
    return config(WEB, WEB_CLEANUP, API, E2E, environments=LOCKS, capacity=8, **fields)


def everywhere(story: Story) -> list[int]:
    """The jobs that run."""
    return sorted(job.id for job in story.world.jobs.values() if job.run is not None)


# --- locks -------------------------------------------------------------------------------------


def test_who_frees_a_lock_goes_last() -> None:
    story = given(shared(), submit("api", "east"), submit("api", "west"), submit("api", "east"))
    story.given(*whole(1))
    assert everywhere(story) == [2]


def test_who_is_old_goes_before_who_frees() -> None:
    """The same, where the senior stands in the environment that comes first by name too."""
    story = given(shared(), submit("api", "west"), submit("api", "east"), submit("api", "west"))
    story.given(*whole(1))
    assert everywhere(story) == [2]


def test_priority_passes_across_environments() -> None:
    story = given(shared(), submit("api", "east"), submit("api", "east"))
    story.given(submit("api", "west", priority=100), *whole(1))
    assert everywhere(story) == [3]


def in_front() -> Story:
    """Job 3 needs both locks, which jobs 1 and 2 hold; 4 and 5 came later, and need one each."""
    story = given(shared(), submit("api", "east"), submit("api", "north"), submit("api", "both"))
    return story.given(submit("api", "west"), submit("api", "north"))


def test_two_locks_are_not_passed_over() -> None:
    story = in_front().given(*whole(1))
    assert everywhere(story) == [2], "db is kept for 3"
    story.given(*whole(2))
    assert everywhere(story) == [3]
    story.given(*whole(3))
    assert everywhere(story) == [4, 5]


def test_two_locks_against_whoever_comes() -> None:
    story = in_front().given(*whole(1), submit("api", "east"), submit("e2e", "west"))
    assert everywhere(story) == [2]


def test_a_junior_takes_what_nobody_needs() -> None:
    story = in_front().given(submit("api", "free"))
    assert 6 in everywhere(story)


def test_one_with_priority_reserves_nothing_of_others() -> None:
    """Of two that wait for each other's locks, one order says who is first."""
    locks = {"a": ("x", "y"), "b": ("y", "z"), "c": ("z", "x"), "hx": ("x",), "hz": ("z",)}
    story = given(config(API, environments=locks, capacity=8), submit("api", "hx"))
    story.given(submit("api", "hz"), *(submit("api", name) for name in "abc"))
    story.given(*whole(1))
    assert everywhere(story) == [2, 3]
    story.given(*whole(2))
    assert everywhere(story) == [3], "y is held, and z is kept for 4"
    story.given(*whole(3))
    assert everywhere(story) == [4]
    story.given(*whole(4))
    assert everywhere(story) == [5]


def test_a_repair_goes_before_its_seniors() -> None:
    """An admin's retry needs db, which is kept for a job that is older."""
    story = given(shared(), submit("api", "east"), *whole(1)[:2], dirty(1), submit("api", "north"))
    story.given(submit("api", "both", priority=5))
    assert everywhere(story) == [2], "db is kept for 3"
    story.given(
        cmd.Retry(
            caller=ROOT,
            job=1,
            pipeline="api",
            environment="east",
            params={},
            definition=story.world.definitions[story.job(1).definition],
        )
    )
    assert everywhere(story) == [2, 4]


# --- who reserves nothing ----------------------------------------------------------------------


def test_a_holder_that_asks_lets_juniors_pass() -> None:
    story = in_front().given(*whole(2))
    assert everywhere(story) == [1], "net is kept for 3"
    story.given(acquired(1)).when(ASK)
    story.then_among(like(ev.StepAsked), like(ev.JobAdmitted, job=5))
    story.given(submit("api", "north"), cmd.Approve(caller=ADA, job=1), *whole(5))
    assert everywhere(story) == [1], "answered: kept again, for 3"


def test_an_environment_that_asks_lets_pass() -> None:
    """A deploy waits for a test that asks people; another test need not wait behind it."""
    story = given(shared(), submit("e2e", "free"), acquired(1), submit("api", "free"))
    story.given(submit("e2e", "free"))
    assert everywhere(story) == [1]
    story.given(ASK)
    assert everywhere(story) == [1, 3]


def test_what_was_left_lets_juniors_pass() -> None:
    """The lock that it lacks is kept by what a step left behind, until somebody looks."""
    story = given(shared(), submit("api", "east"), submit("api", "both"), submit("api", "north"))
    assert everywhere(story) == [1]
    story.given(acquired(1), applied(1)).when(dirty(1))
    story.then_among(like(ev.Quarantined), like(ev.JobAdmitted, job=3))


def test_a_quarantine_reserves_nothing() -> None:
    """A job that prepares holds no lock, and leaves dirt where another one waits."""
    build = step("build", section=Section.BEFORE, touches=False)
    built = pipeline("built", steps=(build, step("apply")))
    story = given(config(built, API, environments=LOCKS, capacity=8), submit("api", "east"))
    story.given(submit("api", "both"), submit("api", "north"), submit("built", "both"))
    assert everywhere(story) == [1]
    story.given(acquired(4, "build"), applied(4, "build")).when(dirty(4, "build"))
    story.then_among(like(ev.Quarantined), like(ev.JobAdmitted, job=3))


def test_a_debt_nobody_pays_reserves_nothing() -> None:
    """The lock that it lacks is kept by a debt whose cleanup has failed."""
    story = given(shared(), submit("web", "east"), acquired(1), submit("api", "both"))
    story.given(submit("api", "north"))
    assert everywhere(story) == [1]
    story.given(applied(1), cleaned(1))
    assert everywhere(story) == [4], "the cleanup runs, and db comes free with its end"
    story.given(acquired(4), failed(4)).when(cleaned(4))
    story.then_among(like(ev.Quarantined), like(ev.JobAdmitted, job=3))


def test_who_pays_reserves_no_other_lock() -> None:
    """A run that pays has the locks of its debts, and not one that a reload has added."""
    locks: list[dict[str, tuple[str, ...]]] = [{"a": (), "b": ("x",)}, {"a": ("x",), "b": ("x",)}]
    before, after = (
        replace(audited(), environments=config(environments=its).environments) for its in locks
    )
    story = given(before, submit("web", "a"), submit("audit", "a"), acquired(1))
    story.given(submit("web-cleanup", "a"), applied(1), cleaned(1), accept(after))
    assert (everywhere(story), story.waiting("a")) == ([2], [3])
    story.given(submit("api", "b"))
    assert everywhere(story) == [2, 4]


def test_who_is_cancelled_reserves_nothing() -> None:
    story = in_front().given(*whole(2)).when(cmd.Cancel(caller=ROOT, job=3))
    story.then_among(like(ev.JobEnded, job=3), like(ev.JobAdmitted, job=5))


def test_a_drain_reserves_nothing() -> None:
    """The owed cleanup that a drain lets go takes its lock; all others wait for its end."""
    story = in_front().given(cmd.StartDrain(caller=ROOT), *whole(1), *whole(2))
    assert everywhere(story) == []
    story.given(cmd.EndDrain(caller=ROOT))
    assert everywhere(story) == [3]


@pytest.mark.parametrize("locks", [("db",), ("net",), ()])
def test_a_reload_moves_what_is_reserved(locks: tuple[str, ...]) -> None:
    story = in_front().given(*whole(2))
    fewer = config(API, environments={**LOCKS, "both": locks}, capacity=8)
    story.given(accept(fewer))
    waits = {("db",): [1, 5], ("net",): [1, 3], (): [1, 3, 5]}
    assert everywhere(story) == waits[locks]


def test_a_removed_environment_reserves_its_locks() -> None:
    story = in_front().given(*whole(2))
    gone = {name: locks for name, locks in LOCKS.items() if name != "both"}
    story.given(accept(config(API, environments=gone, capacity=8)))
    assert everywhere(story) == [1]
    story.given(*whole(1))
    assert everywhere(story) == [3]


def test_a_restart_keeps_what_is_reserved() -> None:
    story = in_front().given(*whole(2)).restart()
    assert everywhere(story) == [1]
    story.given(*whole(1))
    assert everywhere(story) == [3]


def test_who_has_passed_over_a_job() -> None:
    """Those that took what it needs while it waited, the latest first."""
    story = in_front().given(acquired(1), 5, *whole(2), 5, ASK)
    assert everywhere(story) == [1, 5]
    story.given(5, *whole(5), submit("api", "north"), submit("api", "free"), 5)
    every = [story.job(id) for id in range(1, story.world.next_job)]
    passed = passed_over_by(story.world, story.job(3), every)
    assert [job.id for job in passed] == [6, 5]
    assert passed_over_by(story.world, story.job(6), every) == [], "it runs"


# --- slots -------------------------------------------------------------------------------------

LONG = pipeline("long", steps=chain("a", "b"))


def one_slot(**fields: object) -> Configuration:
    return config(LONG, API, E2E, environments=LOCKS, capacity=1, **fields)


def test_a_senior_keeps_its_slot_between_steps() -> None:
    story = given(one_slot(), submit("long", "east"), submit("api", "free"))
    story.given(acquired(1, "a"), applied(1, "a"))
    assert (story.world.slots.in_use, story.running("free")) == (0, [])
    story.when(cleaned(1, "a")).then(like(ev.StepFinished), like(ev.StepStarted, ref=ref(1, "b")))
    story.given(acquired(1, "b")).when(applied(1, "b"))
    story.then_among(like(ev.JobAdmitted, job=2))


def test_who_runs_goes_on_before_who_waits() -> None:
    """It holds its environment and its locks, whoever waits: a priority is for the next start."""
    story = given(one_slot(), submit("long", "east"), submit("api", "free", priority=1))
    story.given(acquired(1, "a"), applied(1, "a"))
    assert story.running("free") == []


def test_a_running_senior_goes_on_first() -> None:
    """Of two that run the one that waits longer goes on, and the other's next step waits."""
    story = given(one_slot(), submit("api", "free"), cmd.NoteWaiting(ref=ref(1), text="a poll"))
    story.given(submit("long", "north"), cmd.NoteWaiting(ref=ref(2, "a"), text="a poll"))
    story.given(submit("long", "east"), acquired(3, "a"), applied(3, "a"))
    story.given(cmd.NoteWaiting(ref=ref(2, "a"), text=None), acquired(2, "a"), cleaned(3, "a"))
    story.given(applied(2, "a"))
    assert story.world.slots.in_use == 0, "left to 2"
    story.when(cleaned(2, "a")).then_among(like(ev.StepStarted, ref=ref(2, "b")))
    story.given(acquired(2, "b")).when(applied(2, "b"))
    story.then_among(like(ev.StepStarted, ref=ref(3, "b")))


@pytest.mark.parametrize("end", [failed(1, "a"), applied(1, "a", succeeded=True, stopped=True)])
def test_no_slot_is_kept_after_the_last(end: cmd.ApplyDone) -> None:
    story = given(one_slot(), submit("long", "east"), submit("api", "free"), acquired(1, "a"))
    if end.stopped:
        story.given(cmd.Cancel(caller=ROOT, job=1))
    story.given(end)
    assert story.running("free") == [2]


def test_a_handler_is_a_step_too() -> None:
    last = step("tidy", section=Section.FINALLY, touches=False)
    tidied = pipeline("long", steps=(step("a"), last))
    story = given(config(tidied, API, environments=LOCKS, capacity=1), submit("long", "east"))
    story.given(submit("api", "free"), acquired(1, "a"), failed(1, "a"))
    assert story.running("free") == []
    story.when(cleaned(1, "a")).then_among(like(ev.StepStarted, ref=ref(1, "tidy")))


def test_preparing_juniors_leave_the_slot() -> None:
    """Its build could begin with the slot that is free, but another waits for it longer."""
    build = step("build", section=Section.BEFORE, touches=False)
    built = pipeline("built", steps=(build, step("apply")))
    story = given(config(built, API, environments=LOCKS, capacity=1), submit("api", "east"))
    story.given(acquired(1), submit("api", "north"), submit("built", "free"))
    story.when(applied(1)).then_among(like(ev.JobAdmitted, job=2))
    assert not story.job(3).step("build").active


def test_two_slots_that_come_free_at_once() -> None:
    """The second is for the one behind: it is looked at again when the first has left the line."""
    names = ("a", "b", "c", "d")
    story = given(config(API, environments=names, capacity=2))
    story.given(submit("api", "a"), acquired(1), submit("api", "b"), acquired(2))
    story.given(submit("api", "c"), submit("api", "d"))
    story.when_all(applied(1), applied(2))
    assert everywhere(story) == [1, 2, 3, 4]


def test_two_ends_and_one_slot() -> None:
    """Both let somebody start, one in another environment: the senior has the slot."""
    locks = {"a": (), "b": ("y",), "c": ("y",), "d": ()}
    story = given(config(API, environments=locks, capacity=2), submit("api", "a"), acquired(1))
    story.given(submit("api", "c"), acquired(2), submit("api", "d"), applied(1), applied(2))
    story.given(submit("api", "b"), submit("api", "a"))
    assert (everywhere(story), story.world.slots.in_use) == ([1, 2, 3], 1)
    story.when_all(cleaned(1), cleaned(2))
    assert everywhere(story) == [3, 4]


def test_the_slot_goes_to_the_senior_admission() -> None:
    """Two may start at once, where one slot is free: environments go by who starts, not by name."""
    story = given(one_slot(), submit("e2e", "east"), acquired(1), ASK)
    story.given(submit("api", "north"), acquired(2), submit("api", "west"))
    story.given(submit("api", "both"), applied(2))
    assert everywhere(story) == [1, 2], "the answer is awaited"
    first = replace(
        one_slot(), environments=config(environments=dict.fromkeys(LOCKS, ())).environments
    )
    story.given(cleaned(2)).when(accept(first))
    story.then_among(like(ev.JobAdmitted, job=3))
    assert everywhere(story) == [1, 3]


# --- any locks, any arrivals ---------------------------------------------------------------------

NAMES = ("a", "b", "c", "d", "e")
SOME_LOCKS = st.sets(st.sampled_from(["w", "x", "y", "z"]), max_size=3).map(sorted).map(tuple)
ARRIVAL = st.tuples(st.sampled_from(["long", "e2e"]), st.sampled_from(NAMES), st.integers(-1, 1))


class Arrivals:
    """Jobs that come and end, each kept from its juniors from when on it reserves what it needs."""

    def __init__(self, locks: dict[str, tuple[str, ...]], capacity: int) -> None:
        self.story = given(config(LONG, E2E, environments=locks, capacity=capacity))
        self.kept: set[int] = set()

    def when(self, command: cmd.Command) -> None:
        self.story.given(command)
        world = self.story.world
        for event in self.story.happened:
            if isinstance(event, ev.JobAdmitted):
                self.kept.discard(event.job)
                self.demand_no_senior(event)
        self.kept.update(job.id for name in NAMES for job in world.queue(name) if keeps(world, job))

    def demand_no_senior(self, event: ev.JobAdmitted) -> None:
        job, world = self.story.job(event.job), self.story.world
        for senior in (self.story.job(id) for id in self.kept):
            if queue_entry(senior) < queue_entry(job):
                assert not {*world.locks_of(senior)} & {*event.run.locks}, (job.id, senior.id)

    def go_on(self, choice: int) -> bool:
        """Let one of the steps at work do what comes next; whether any was."""
        world = self.story.world
        active = [(job.id, one) for job in world.jobs.values() for one in job.steps if one.active]
        if not active:
            return False
        job, one = active[choice % len(active)]
        match one.phase:
            case Acquiring():
                self.when(acquired(job, one.name))
            case Applying():
                self.when(applied(job, one.name))
            case _:
                self.when(cleaned(job, one.name))
        return True


@examples("fair locks")
@hypothesis.given(
    locks=st.fixed_dictionaries(dict.fromkeys(NAMES, SOME_LOCKS)),
    capacity=st.integers(1, 4),
    happens=st.lists(st.one_of(ARRIVAL, st.integers(0, 99), st.integers(0, 99)), max_size=40),
)
def test_no_junior_takes_what_is_kept(
    locks: dict[str, tuple[str, ...]], capacity: int, happens: list[tuple[str, str, int] | int]
) -> None:
    """And nobody waits for ever: when all that runs has gone on, nothing is left."""
    arrivals = Arrivals(locks, capacity)
    for one in happens:
        if isinstance(one, int):
            arrivals.go_on(one)
        else:
            name, environment, priority = one
            arrivals.when(submit(name, environment, priority=priority))
    while arrivals.go_on(0):
        pass
    assert not arrivals.story.world.jobs
