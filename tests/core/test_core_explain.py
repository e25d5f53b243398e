"""What keeps a job from starting, in words: the function that explains is the one that decides."""

import pytest
from msgspec.structs import replace

from orchestrator.core.language import commands as cmd
from orchestrator.core.language.words import BlockerType
from orchestrator.core.rules.admission import Blocker, blockers, place
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
    at,
    audited,
    chain,
    cleaned,
    config,
    dirty,
    failed,
    pipeline,
    submit,
)
from tests.core.core_story import Story, given

CANCEL = cmd.Cancel(caller=ADA, job=1)


def explain(story: Story, job: int) -> list[Blocker]:
    return list(blockers(story.world, story.job(job)))


def texts(story: Story, job: int) -> list[str]:
    return [blocker.text for blocker in explain(story, job)]


def test_a_running_job() -> None:
    [blocker] = explain(given(5, submit("e2e"), submit("api")), 2)
    assert blocker == Blocker(
        type=BlockerType.JOB,
        id="1",
        text="job 1 (e2e) runs, and test excludes deploy",
        since=at(5),
        passes=True,
    )


def test_a_running_job_that_is_being_cancelled() -> None:
    assert texts(given(submit("api"), CANCEL, submit("api")), 2) == [
        "job 1 (api) is being cancelled, and deploy excludes deploy"
    ]


def test_order_names_the_first() -> None:
    story = given(submit("api"), submit("api"), 5, submit("e2e"), submit("api"))
    [job, order] = explain(story, 4)
    assert job.type is BlockerType.JOB
    assert order == Blocker(
        type=BlockerType.ORDER, id="2", text="order: job 2 (api) goes first", since=at()
    )


def test_a_drain() -> None:
    story = given(3, cmd.StartDrain(caller=ROOT, reason="upgrade"), submit("api"))
    assert explain(story, 1) == [
        Blocker(
            type=BlockerType.DRAIN,
            id="daemon",
            text='the daemon is drained by root, "upgrade": it starts no new jobs',
            since=at(3),
            lift="an admin: orchestrator resume",
        )
    ]


def test_a_lock_of_another_job() -> None:
    configuration = config(API, environments={"production": ("vpc",), "staging": ("vpc",)})
    [blocker] = explain(given(configuration, submit("api", "staging"), submit("api")), 2)
    assert (blocker.type, blocker.id) == (BlockerType.LOCK, "vpc")
    assert blocker.text == "lock vpc is held by job 1 in staging"
    assert blocker.since == at()


def test_a_lock_of_a_debt() -> None:
    """The cleanup that would free it can't start beside the audit."""
    locked = config(environments={"production": ("vpc",), "staging": ("vpc",)}).environments
    story = given(replace(audited(), environments=locked), submit("web"))
    story.given(accept(audited()), submit("audit"), acquired(1), applied(1), cleaned(1))
    story.given(accept(replace(audited(), environments=locked)), submit("api", "staging"))
    [blocker] = explain(story, 4)
    assert blocker.text == "lock vpc is held by the cleanup owed by job 1 in production"


@pytest.mark.parametrize(
    ("commands", "job", "text"),
    [
        ((), 2, "web-cleanup follows when job 1 has ended"),
        ((applied(1), cleaned(1)), 2, "web-cleanup runs as job 3"),
        (
            (applied(1), cleaned(1), acquired(3), failed(3), cleaned(3)),
            2,
            "web-cleanup must be run: orchestrator submit web-cleanup production -p version=v1",
        ),
    ],
)
def test_a_debt(commands: tuple[cmd.Command, ...], job: int, text: str) -> None:
    story = given(submit("web"), acquired(1), submit("api"), *commands)
    [blocker] = [one for one in explain(story, job) if one.type is BlockerType.CLEANUP_DEBT]
    assert blocker.id == "1"
    assert blocker.text == f"cleanup owed by job 1: {text}"
    waivable = "an admin: orchestrator waive production --reason …"
    assert blocker.lift == (waivable if commands else None)


def test_a_debt_whose_cleanup_waits() -> None:
    story = given(audited(), submit("web"), submit("audit"), acquired(1), submit("api"))
    story.given(applied(1), cleaned(1))
    assert "cleanup owed by job 1: web-cleanup waits as job 4" in texts(story, 3)


def test_a_quarantine() -> None:
    story = given(submit("api"), acquired(1), applied(1), 7, dirty(1), submit("api"))
    assert explain(story, 2) == [
        Blocker(
            type=BlockerType.QUARANTINE,
            id="production",
            text="production is under quarantine since job 1: step apply of job 1 left it dirty: "
            "a lock is left",
            since=at(7),
            lift="look: orchestrator environment production; then: orchestrator recheck production,"
            " or an admin: orchestrator waive production --reason …",
        )
    ]


def test_a_lock_that_a_senior_reserves() -> None:
    locks = {"east": ("db",), "both": ("db", "net"), "north": ("net",)}
    story = given(config(API, environments=locks), submit("api", "east"), 4)
    story.given(submit("api", "both"), 1, submit("api", "north"))
    assert explain(story, 3) == [
        Blocker(
            type=BlockerType.RESERVED,
            id="net",
            text="lock net is reserved for job 2 (api, both), which is senior",
            since=at(4),
            lift="orchestrator explain 2",
        )
    ]


def test_a_slot_left_to_a_senior() -> None:
    long = pipeline("long", steps=chain("a", "b"))
    story = given(config(long, API, capacity=1), submit("long"), submit("api", "staging"))
    story.given(acquired(1, "a"), applied(1, "a"))
    assert texts(story, 2) == [
        "0 tools are at work on this host, job 1 is between two steps and goes on first; capacity"
        " is 1"
    ]


def test_capacity() -> None:
    story = given(config(capacity=1), submit("api"), submit("api", "staging"))
    assert explain(story, 2) == [
        Blocker(
            type=BlockerType.CAPACITY,
            id="host",
            text="1 tool is at work on this host; capacity is 1",
        )
    ]


def test_everything_at_once_the_weightiest_first() -> None:
    configuration = config(
        WEB,
        WEB_CLEANUP,
        API,
        E2E,
        capacity=1,
        environments={"production": ("vpc",), "staging": ("vpc",)},
    )
    story = given(configuration, submit("web"), acquired(1), submit("api"), submit("api"))
    waits = [
        BlockerType.CLEANUP_DEBT,
        BlockerType.JOB,
        BlockerType.LOCK,
        BlockerType.ORDER,
        BlockerType.CAPACITY,
    ]
    assert [one.type for one in explain(story, 3)] == waits
    story.given(submit("api", "staging"))
    reserved = [BlockerType.LOCK, BlockerType.RESERVED, BlockerType.CAPACITY]
    assert [one.type for one in explain(story, 4)] == reserved
    story.given(cmd.StartDrain(caller=ROOT))
    waits.remove(BlockerType.ORDER)  # nobody waits for one whom the drain keeps
    assert [one.type for one in explain(story, 3)] == [BlockerType.DRAIN, *waits]


def test_places_count_from_one() -> None:
    """Places count all that wait in the environment, from one."""
    configuration = config(API, pipeline("other"))
    story = given(
        configuration,
        submit("api"),
        submit("other"),
        submit("api"),
        submit("api", priority=1),
        submit("api", "staging"),
        submit("api", "staging"),
    )
    places = {job.id: place(story.world, job) for job in story.world.queue("production")}
    assert places == {4: 1, 2: 2, 3: 3}
    assert [place(story.world, job) for job in story.world.queue("staging")] == [1]
