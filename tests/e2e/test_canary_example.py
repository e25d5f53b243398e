"""config/examples/canary, run as it is: what was done, what was not and why, what was put back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.e2e_bench import until
from tests.e2e.example_bench import Example

pytestmark = pytest.mark.slow

FLEET = ("a-1", "a-2", "b-1", "b-2", "c-1", "c-2")
AT_ONCE = "seconds=0"


class Canary(Example):
    """The daemon, and the cloud that its steps change."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, "canary")
        self.cloud = self.directory / "cloud" / "accounts" / "production"

    def release(self, version: str, *words: str) -> int:
        return self.submit("release", "production", "-p", f"version={version}", *words)

    def held(self, version: str, step: str) -> int:
        """A release that waits in the middle of a step."""
        job = self.release(version, "-p", AT_ONCE, "-p", f"hold={step}")
        until(f"{step} waits", lambda: "waits for" in self.run("log", str(job), step).stdout)
        return job

    def go(self) -> None:
        """Let it go on."""
        (self.cloud / "go").touch()

    def cleanup_of(self, job: int) -> int:
        """The job that put back what this one left, ended well."""
        self.until_idle()
        jobs = self.jobs(kind="cleanup")
        [cleanup] = [one for one in jobs if one["cleanup_for"] == job]
        assert cleanup["conclusion"] == "success"
        conclusions = [step["conclusion"] for step in self.steps(cleanup["id"]).values()]
        assert conclusions == ["success"] * 5
        return int(cleanup["id"])

    def was_put_back_to(self, version: str) -> None:
        runs = {one.name: one.read_text().strip() for one in (self.cloud / "instances").iterdir()}
        assert runs == dict.fromkeys(FLEET, version)
        assert (self.cloud / "traffic").read_text() == "0/100\n"
        assert (self.cloud / "live").read_text() == f"{version}\n"
        assert not (self.cloud / "sessions").exists()
        assert self.says("environment", "production").startswith("environment production  free\n")

    def order(self, *wanted: tuple[str, int]) -> list[int]:
        """Where in the journal each of these stands."""
        found = {(event["type"], event["job"]): event["id"] for event in self.events()}
        return [found[one] for one in wanted]


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Canary]:
    with Canary(tmp_path) as example:
        example.start()
        yield example


def test_a_release_of_twenty_steps(canary: Canary) -> None:
    """A release of twenty steps, and what it owes."""
    job = canary.release("v2", "-p", AT_ONCE)
    assert canary.finished(job)["conclusion"] == "success"
    steps = canary.steps(job)
    assert [step["conclusion"] for step in steps.values()] == ["success"] * 20
    for stage, follower in (("tests-1", "traffic-5"), ("tests-2", "traffic-25")):
        tests = [one for one in steps.values() if one["stage"] == stage]
        assert len(tests) == 3
        assert max(test["finished_at"] for test in tests) <= steps[follower]["started_at"]
    assert "98 and 95 of 100" in canary.says("log", str(job), "announce")
    canary.cleanup_of(job)
    canary.was_put_back_to("v2")


def test_a_live_release_exits_early(canary: Canary) -> None:
    """A release that is live already is an early exit."""
    job = canary.release("v1", "-p", AT_ONCE)
    ended = canary.finished(job)
    assert (ended["conclusion"], ended["halted_by"]) == ("success", "bake")
    because = "halted by bake (exit 3: this version is live already)"
    assert canary.steps(job)["announce"]["reason"] == because
    canary.until_idle()
    assert [one["id"] for one in canary.json("jobs")["jobs"]] == [job], "nothing is owed"


@pytest.fixture(scope="module")
def one_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canary]:
    """For releases that leave nothing behind."""
    with Canary(tmp_path_factory.mktemp("canary")) as example:
        example.start()
        yield example


@pytest.mark.parametrize(
    ("fails", "ran", "stopped_at"),
    [
        ("test-1a", ["test-1b", "test-1c"], "traffic-5"),
        ("test-2b", ["test-2a", "test-2c"], "traffic-25"),
        ("analysis-1", ["traffic-25"], "traffic-50"),
        ("analysis-2", ["traffic-50"], "roll-out-a"),
        ("roll-out-b", ["roll-out-a"], "roll-out-c"),
    ],
)
def test_a_failure_is_told_and_put_back(
    one_daemon: Canary, fails: str, ran: list[str], stopped_at: str
) -> None:
    canary, because = one_daemon, f"not run: {fails} failed (exit 1)"
    job = canary.release("v2", "-p", AT_ONCE, "-p", f"fail={fails}")
    assert canary.finished(job)["conclusion"] == "failure"
    steps = canary.steps(job)
    names = list(steps)
    assert (steps[fails]["conclusion"], steps[fails]["exit"]) == ("failure", 1)
    assert {steps[one]["conclusion"] for one in ran} == {"success"}
    rest = names[names.index(stopped_at) :]
    assert {steps[one]["conclusion"] for one in rest} == {"not_run"}
    assert {steps[one]["cause"]["step"] for one in rest} == {fails}
    shown = canary.says("show", str(job))
    logged = canary.says("log", str(job))
    assert shown.count(because) == logged.count(because) == len(rest)
    told = [event for event in canary.events() if event["type"] == "step_not_run"]
    assert [one["step"] for one in told if one["job"] == job] == rest
    canary.cleanup_of(job)
    canary.was_put_back_to("v1")


def test_the_next_release_begins_afterwards(canary: Canary) -> None:
    """The next release begins when the first was put back."""
    first = canary.held("v2", "traffic-25")
    assert (canary.cloud / "traffic").read_text() == "25/75\n"
    second = canary.release("v3", "-p", AT_ONCE)
    explained = canary.says("explain", str(second))
    assert f"cleanup owed by job {first}: release-cleanup follows" in explained
    assert f"job {first} (release) runs" in explained
    canary.go()
    assert canary.finished(first)["conclusion"] == "success"
    assert canary.finished(second)["conclusion"] == "success"
    stands_before(canary, first, canary.cleanup_of(first), second)
    canary.cleanup_of(second)
    canary.was_put_back_to("v3")


def test_a_cancel_is_put_back_first(canary: Canary) -> None:
    """A cancel in the middle is put back before the next."""
    first = canary.held("v2", "test-2b")
    second = canary.release("v3", "-p", AT_ONCE)
    cancelled = canary.run("cancel", str(first), "--reason", "wrong version", "--wait")
    assert cancelled.returncode == 0, cancelled
    steps = canary.steps(first)
    assert steps["test-2b"]["conclusion"] == "cancelled"
    assert steps["traffic-25"]["reason"].startswith("the job was cancelled by ")
    assert "test-2b is asked to stop" in canary.says("log", str(first), "test-2b")
    assert canary.finished(second)["conclusion"] == "success"
    stands_before(canary, first, canary.cleanup_of(first), second)
    canary.cleanup_of(second)
    canary.was_put_back_to("v3")


def stands_before(canary: Canary, first: int, cleanup: int, second: int) -> None:
    """The second release was admitted when the cleanup of the first had ended."""
    moments = canary.order(
        ("job_admitted", first),
        ("job_finished", first),
        ("job_admitted", cleanup),
        ("job_finished", cleanup),
        ("job_admitted", second),
    )
    assert moments == sorted(moments)
    assert canary.job(cleanup)["finished_at"] <= canary.job(second)["started_at"]


def test_a_killed_daemon_goes_on(canary: Canary) -> None:
    """A killed daemon goes on to the same end."""
    job = canary.held("v2", "test-2b")
    canary.kill()
    canary.go()
    canary.start()
    assert canary.finished(job)["conclusion"] == "success"
    canary.kill()
    canary.start()
    canary.cleanup_of(job)
    canary.was_put_back_to("v2")
    begun = [event["step"] for event in canary.events() if event["type"] == "step_started"]
    assert len(begun) == len(set(begun)) == 25, "no step of the two jobs was begun twice"
