"""What a release changes in texts: the changelog, and the versions of the distributions."""

import datetime
import re
from collections.abc import Iterable

UNRELEASED = "## [Unreleased]\n"

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", re.ASCII)
_VERSION_LINE = re.compile(r'^version = "[^"]*"$', re.MULTILINE)
_ON_THE_DAEMON = re.compile(r'"deploy-orchestrator[<>=0-9.,]*"(?=[,\]])')
_SECTION = re.compile(r"^## ", re.MULTILINE)
_LINE = re.compile(r"^- \S", re.MULTILINE)


class ReleaseRefused(Exception):
    """This can't be released; the message says why and what to do. Nothing was changed."""


def demand_not_older(version: str, current: str) -> None:
    """Raise ReleaseRefused for what is no version, or one before the current. The current one may
    not be released yet: the changelog knows, and the tags."""
    if _parts(version) < _parts(current):
        raise ReleaseRefused(f"{version} is less than {current}, which pyproject.toml has")


def demand_date(date: str, *, since: str, today: str) -> None:
    """Raise ReleaseRefused for what is no date, or for a day on which this can't be released."""
    try:
        is_date = len(date) == 10 and datetime.date.fromisoformat(date).isoformat() == date
    except ValueError:
        is_date = False
    if not is_date:
        raise ReleaseRefused(f"a date is YYYY-MM-DD, not {date!r}")
    if date < since:
        raise ReleaseRefused(f"{date} is before {since}, when the last commit was made")
    if date > today:
        raise ReleaseRefused(f"{date} has not come yet: today is {today}")


def is_version(text: str) -> bool:
    """Whether it is one of ours."""
    return _VERSION.fullmatch(text) is not None


def newest(versions: Iterable[str]) -> str | None:
    """The greatest of those that are some."""
    return max(filter(is_version, versions), key=_parts, default=None)


def released_changelog(changelog: str, version: str, date: str) -> str:
    """What is unreleased becomes a section of this version and date, and none is left.

    Raises ReleaseRefused.
    """
    before, found, after = changelog.partition(UNRELEASED)
    if not found:
        raise ReleaseRefused("CHANGELOG.md has no section [Unreleased]: add it above the others")
    if f"\n## [{version}]" in changelog:
        raise ReleaseRefused(f"CHANGELOG.md has a section [{version}] already")
    if not _LINE.search(_SECTION.split(after)[0]):
        raise ReleaseRefused(
            "[Unreleased] in CHANGELOG.md has no line: say what users notice, `- …` each"
        )
    return f"{before}{UNRELEASED}\n## [{version}] - {date}\n{after}"


def released_project(project: str, version: str) -> str:
    """A pyproject.toml with this version; a plugin's names the daemon by a range that has it."""
    changed, found = _VERSION_LINE.subn(f'version = "{version}"', project, count=1)
    if not found:
        raise ReleaseRefused('a pyproject.toml has no line version = "…"')
    return _ON_THE_DAEMON.sub(f'"deploy-orchestrator{_bounds(version)}"', changed)


def _bounds(version: str) -> str:
    """From this minor version to the next major one."""
    major, minor, _ = _parts(version)
    return f">={major}.{minor},<{major + 1}"


def _parts(version: str) -> tuple[int, int, int]:
    found = _VERSION.fullmatch(version)
    if found is None:
        raise ReleaseRefused(f"a version is x.y.z, such as 0.2.0, not {version!r}")
    major, minor, patch = map(int, found.groups())
    return major, minor, patch
