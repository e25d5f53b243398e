"""config/examples/approve-production, run as it is, by several people."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import needs
from tests.ambient import open_directory
from tests.e2e.e2e_bench import until
from tests.e2e.example_bench import Example

pytestmark = pytest.mark.slow


class Site(Example):
    """The daemon, the site that its steps change, and people who type."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, "approve-production")

    def of(self, environment: str) -> dict[str, str]:
        """The files of the site there."""
        folder = self.directory / "site" / environment
        return {one.name: one.read_text().strip() for one in folder.iterdir()}

    def awaits(self, job: int, step: str | None = None) -> None:
        """Return when people are asked."""
        until(
            f"job {job} asks people",
            lambda: [one for one in self.job(job)["awaits"] if one["step"] == step],
        )

    def as_user(self, user: str, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run(
            *words, prefix=("setpriv", f"--reuid={user}", "--regid=nogroup", "--clear-groups")
        )

    def conclusions(self, job: int) -> dict[str, Any]:
        return {name: one["conclusion"] for name, one in self.steps(job).items()}


@pytest.fixture
def site() -> Iterator[Site]:
    """In a directory that others may enter."""
    with open_directory() as root, Site(root) as example:
        example.start()
        yield example


def test_one_person_is_enough_in_staging(site: Site) -> None:
    job = site.submit("web", "staging", "-p", "version=v2")
    site.awaits(job)
    assert site.job(job)["phase"] == "preparing"
    assert "plan: site: v1 -> v2" in site.says("approvals")
    site.says("approve", str(job))
    site.awaits(job, "confirm")
    assert site.of("staging")["staged"] == "v2"
    assert site.of("staging")["serving"] == "v1"
    asked = site.says("approvals")
    assert "v2 has passed the smoke test in staging. Open it to everybody?" in asked
    assert "staging is held by the job meanwhile" in asked
    site.says("approve", str(job), "confirm", "--comment", "seen it")
    assert site.finished(job)["conclusion"] == "success"
    there = site.of("staging")
    assert (there["serving"], there["reports"]) == ("v2", f"job {job}, v2: success")
    ended = site.conclusions(job)
    assert (ended["announce"], ended["go-back"]) == ("success", "skipped")
    assert ended["report"] == "success", "no failed step is no text"


def test_nothing_to_change_asks_nobody(site: Site) -> None:
    job = site.submit("web", "staging", "-p", "version=v1")
    ended = site.finished(job)
    assert (ended["conclusion"], ended["halted_by"]) == ("success", "plan")
    assert ended["approvals"] == []
    steps = site.steps(job)
    assert steps["open"]["reason"] == "halted by plan (exit 0: nothing to change)"
    assert steps["announce"]["conclusion"] == "skipped", "changes is not set: nothing to announce"
    assert site.of("staging")["reports"] == f"job {job}, v1: success"


def test_a_failure_before_is_told_and_touches_nothing(site: Site) -> None:
    job = site.submit("web", "staging", "-p", "version=v2", "-p", "fail=plan")
    assert site.finished(job)["conclusion"] == "failure"
    steps = site.steps(job)
    assert steps["test[browser]"]["conclusion"] == "success"
    assert steps["release"]["reason"] == "plan failed (exit 1)"
    assert steps["go-back"]["reason"] == "it touches staging, which the job never held"
    assert site.of("staging")["reports"] == f"job {job}, v2: failure, at plan"


def test_a_failure_in_the_run_goes_back(site: Site) -> None:
    job = site.submit("web", "staging", "-p", "version=v2", "-p", "fail=smoke")
    site.awaits(job)
    site.says("approve", str(job))
    assert site.finished(job)["conclusion"] == "failure"
    there = site.of("staging")
    assert (there["staged"], there["serving"]) == ("v1", "v1")
    assert there["reports"] == f"job {job}, v2: failure, at smoke"


def test_a_no_to_the_step(site: Site) -> None:
    """A no to the step in the run goes back."""
    job = site.submit("web", "staging", "-p", "version=v2")
    site.awaits(job)
    site.says("approve", str(job))
    site.awaits(job, "confirm")
    site.says("reject", str(job), "confirm", "--comment", "too slow")
    assert site.finished(job)["conclusion"] == "failure"
    steps = site.steps(job)
    assert "too slow" in steps["confirm"]["reason"]
    assert steps["open"]["cause"]["step"] == "confirm"
    there = site.of("staging")
    assert (there["staged"], there["reports"]) == ("v1", f"job {job}, v2: failure, at confirm")


@needs.ROOT
@needs.OTHER_USERS
def test_production_asks_two_who_did_not_submit(site: Site) -> None:
    job = int(site.as_user("games", "submit", "web", "production", "-p", "version=v2").stdout)
    site.awaits(job)
    own = site.as_user("games", "approve", str(job))
    assert own.returncode == 0, "the pipeline's own rule takes it, the environment's does not"
    assert "(0 of 2), not by who submitted it" in own.stdout
    assert site.as_user("daemon", "approve", str(job), "--comment", "fine").returncode == 0
    again = site.as_user("daemon", "approve", str(job))
    assert again.returncode == 13
    assert "a yes counts once" in again.stderr
    assert site.job(job)["phase"] == "preparing"
    assert site.as_user("bin", "approve", str(job)).returncode == 0
    site.awaits(job, "confirm")
    assert site.as_user("bin", "approve", str(job), "confirm").returncode == 0
    ended = site.finished(job)
    assert ended["conclusion"] == "success"
    given = [
        (approval["by"]["user"], approval["step"], approval["comment"])
        for approval in ended["approvals"]
    ]
    assert given == [
        ("games", None, None),
        ("daemon", None, "fine"),
        ("bin", None, None),
        ("bin", "confirm", None),
    ]
    assert site.of("production")["serving"] == "v2"


def test_one_no_ends_it_and_touches_nothing(site: Site) -> None:
    job = site.submit("web", "production", "-p", "version=v2")
    site.awaits(job)
    site.says("reject", str(job), "--comment", "not on a Friday")
    ended = site.finished(job)
    assert ended["conclusion"] == "rejected"
    steps = site.steps(job)
    assert steps["release"]["conclusion"] == "not_run"
    assert steps["release"]["reason"].startswith("the job was rejected by ")
    there = site.of("production")
    assert there["staged"] == "v1"
    assert there["reports"].startswith(f"job {job}, v2: rejected")
