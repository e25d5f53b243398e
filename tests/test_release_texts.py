"""What a release makes of the changelog and of the versions."""

import tomllib

import pytest

from tests.row_ids import told_by
from tools.release_texts import (
    ReleaseRefused,
    demand_date,
    demand_not_older,
    newest,
    released_changelog,
    released_project,
)

CHANGELOG = """# Changelog

What users notice.

## [Unreleased]

### Added
- A thing.

### Fixed

- Another.

## [0.1.0] - 2026-01-01

### Added
- The first.
"""


def test_unreleased_becomes_a_dated_section() -> None:
    released = released_changelog(CHANGELOG, "0.2.0", "2026-11-30")
    assert "## [Unreleased]\n\n## [0.2.0] - 2026-11-30\n\n### Added\n- A thing.\n" in released
    assert released.endswith("- Another.\n\n## [0.1.0] - 2026-01-01\n\n### Added\n- The first.\n")


NOTHING_TO_RELEASE = [
    (CHANGELOG.replace("- A thing.\n", "").replace("- Another.\n", ""), "has no line"),
    (CHANGELOG.replace("## [Unreleased]\n", ""), "no section [Unreleased]"),
    (CHANGELOG.replace("[0.1.0]", "[0.2.0]"), "has a section [0.2.0]"),
]


@pytest.mark.parametrize(
    ("changelog", "text"), NOTHING_TO_RELEASE, ids=told_by(NOTHING_TO_RELEASE, 1)
)
def test_a_changelog_that_tells_nothing(changelog: str, text: str) -> None:
    with pytest.raises(ReleaseRefused) as refused:
        released_changelog(changelog, "0.2.0", "2026-11-30")
    assert text in str(refused.value)


@pytest.mark.parametrize("date", ["", "30.11.2026", "2026-11-31", "2026-W48-1"])
def test_a_date_that_is_none(date: str) -> None:
    with pytest.raises(ReleaseRefused, match="YYYY-MM-DD"):
        demand_date(date, since="2026-01-01", today="2026-12-31")


@pytest.mark.parametrize(
    ("date", "text"), [("0001-01-01", "the last commit"), ("2062-11-30", "today is 2026-11-30")]
)
def test_a_date_of_no_release(date: str, text: str) -> None:
    """Nobody releases before the last commit was made, nor tomorrow."""
    with pytest.raises(ReleaseRefused, match=text):
        demand_date(date, since="2026-11-29", today="2026-11-30")


@pytest.mark.parametrize("date", ["2026-11-29", "2026-11-30"])
def test_a_date_since_the_last_commit(date: str) -> None:
    demand_date(date, since="2026-11-29", today="2026-11-30")


def test_the_newest_of_the_versions() -> None:
    assert newest(["0.9.0", "0.10.0", "nightly", "0.10.0rc1"]) == "0.10.0"
    assert newest(["nightly"]) is None


@pytest.mark.parametrize(
    ("version", "current"),
    [("0.1.0", "0.1.0"), ("0.1.1", "0.1.0"), ("0.10.0", "0.9.9"), ("1.0.0", "0.99.99")],
)
def test_a_version_that_is_not_less(version: str, current: str) -> None:
    demand_not_older(version, current)


@pytest.mark.parametrize("version", ["0.8.10", "0.9.8"])
def test_a_version_that_is_less(version: str) -> None:
    with pytest.raises(ReleaseRefused, match=r"less than 0\.9\.9"):
        demand_not_older(version, "0.9.9")


@pytest.mark.parametrize(
    "version", ["", "1", "1.2", "v1.2.3", "1.2.3rc1", "01.2.3", "1.2.3.4", "0.1\uff12.0"]
)
def test_a_version_of_another_form(version: str) -> None:
    with pytest.raises(ReleaseRefused, match=r"x\.y\.z"):
        demand_not_older(version, "0.1.0")


ROOT_PROJECT = (
    '[project]\nname = "deploy-orchestrator"\nversion = "0.1.0"\ndependencies = ["a>=1"]\n'
)
PLUGIN_PROJECT = (
    '[project]\nname = "orchestrator-x"\nversion = "0.1.0"\n'
    'dependencies = ["deploy-orchestrator>=0.1,<1", "a>=1"]\n'
)


def test_the_version_of_the_daemon() -> None:
    project = tomllib.loads(released_project(ROOT_PROJECT, "0.2.0"))["project"]
    assert project == {
        "name": "deploy-orchestrator",
        "version": "0.2.0",
        "dependencies": ["a>=1"],
    }


@pytest.mark.parametrize(("version", "bounds"), [("0.2.1", ">=0.2,<1"), ("3.4.5", ">=3.4,<4")])
def test_a_plugin_names_the_daemon_by_range(version: str, bounds: str) -> None:
    project = tomllib.loads(released_project(PLUGIN_PROJECT, version))["project"]
    assert project["version"] == version
    assert project["dependencies"] == [f"deploy-orchestrator{bounds}", "a>=1"]


def test_a_project_without_a_version() -> None:
    with pytest.raises(ReleaseRefused, match="version"):
        released_project('[project]\nname = "x"\n', "0.2.0")
