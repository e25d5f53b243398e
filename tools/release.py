"""A release: changelog, versions, commit, tag and wheels. Nothing is uploaded.

    python -m tools.release 0.2.0 --date 2026-11-30        # `make release VERSION=0.2.0`

Where it refuses or is stopped, wheels can't be built or a hook keeps it from committing, all files
are as before.
"""

import argparse
import datetime
import shutil
import signal
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from tools import release_git
from tools.release_git import ROOT, git
from tools.release_texts import (
    ReleaseRefused,
    demand_date,
    demand_not_older,
    released_changelog,
    released_project,
)

CHANGELOG = ROOT / release_git.CHANGELOG
WHEELS = ROOT / "dist"
UNFINISHED = WHEELS / ".unfinished"
"""What is not released yet. On the file system of all else: from here it is moved, at once."""
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """By a signal."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number


def projects() -> list[Path]:
    """The pyproject.toml of each distribution, the daemon's first."""
    return [ROOT / "pyproject.toml", *sorted(ROOT.glob("plugins/*/pyproject.toml"))]


def release(version: str, date: str, today: str) -> list[Path]:
    """Make a release of what is checked out; its wheels. Raises ReleaseRefused, or Stopped."""
    current = tomllib.loads(projects()[0].read_text(encoding="utf-8"))["project"]["version"]
    demand_not_older(version, current)
    release_git.demand_newest(version)
    release_git.demand_no_half_release()
    release_git.demand_clean_tree()
    demand_date(date, since=release_git.day_of_head(), today=today)
    before = git("rev-parse", "HEAD")
    changes = _changes(version, date)
    tag = f"v{version}"
    try:
        _write(changes)
        built = _build()
        git("commit", "--quiet", "--all", "--message", f"Release {version}")
        git("tag", "--annotate", "--message", f"Release {version}", tag)
        _ignore_stops()
        return [wheel.replace(WHEELS / wheel.name) for wheel in built]
    except (ReleaseRefused, Stopped, OSError) as why:
        _ignore_stops()
        _undo(before, tag, why)
        raise
    finally:
        shutil.rmtree(UNFINISHED, ignore_errors=True)


def _changes(version: str, date: str) -> dict[Path, str]:
    changed = {CHANGELOG: released_changelog(CHANGELOG.read_text("utf-8"), version, date)}
    for project in projects():
        changed[project] = released_project(project.read_text("utf-8"), version)
    return changed


def _write(texts: Mapping[Path, str]) -> None:
    """All or none, but for a kill in between. What was left by one that was killed goes."""
    shutil.rmtree(UNFINISHED, ignore_errors=True)
    UNFINISHED.mkdir(parents=True)
    written = {path: UNFINISHED / str(number) for number, path in enumerate(texts)}
    for path, new in written.items():
        new.write_text(texts[path], encoding="utf-8")
        shutil.copymode(path, new)
    for path, new in written.items():
        new.replace(path)


def _undo(before: str, tag: str, why: Exception) -> None:
    """Back to the commit: the tree was clean. Where that fails too, `why` is not forgotten."""
    shutil.rmtree(UNFINISHED, ignore_errors=True)  # on a full disk git needs the room
    try:
        if git("tag", "--list", tag):  # there was none
            git("tag", "--delete", tag)
        git("reset", "--quiet", "--hard", before)
    except (ReleaseRefused, OSError) as failed:
        raise ReleaseRefused(
            f"{why}\nnor can it be undone: {failed}\nwhen that is mended: git reset --hard {before}"
        ) from failed


def _build() -> list[Path]:
    """The wheels of all distributions, by what set-up has installed. No index is asked."""
    folders = [str(project.parent) for project in projects()]
    words = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(UNFINISHED)]
    built = release_git.run([sys.executable, "-m", "pip", "wheel", "--quiet", *words, *folders])
    if built.returncode:
        raise ReleaseRefused(f"the wheels can't be built: {built.stderr}")
    return sorted(UNFINISHED.glob("*.whl"))


def _heed_stops() -> None:
    """By Ctrl-C, `kill` or a terminal that is closed: each comes to whoever can undo."""
    for number in STOPS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under `nohup`
            signal.signal(number, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped(number)


def _ignore_stops() -> None:
    """Also in what is started from here on: the undoing is not to be left half done."""
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)


def main() -> int:
    """Say what was made and how it is published, or why nothing was."""
    parser = argparse.ArgumentParser(prog="make release VERSION=x.y.z", description=__doc__)
    parser.add_argument("version", nargs="?", default="", metavar="x.y.z")
    parser.add_argument("--date", required=True, metavar="YYYY-MM-DD")
    given = parser.parse_args()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a reader may go away, as `head` does
    _heed_stops()
    try:
        branch = release_git.branch()
        wheels = release(given.version, given.date, datetime.date.today().isoformat())
    except (ReleaseRefused, OSError) as refused:
        print(f"not released: {refused}", file=sys.stderr)
        return 1
    except Stopped as stopped:
        print(f"not released: {stopped}; all files are as before", file=sys.stderr)
        return 128 + stopped.number
    for wheel in wheels:
        print(wheel.relative_to(ROOT))
    tag = f"v{given.version}"
    publish = release_git.how_to_publish(branch, tag)
    print(f"{branch} has the commit, tagged as {tag}; to publish it: {publish}")
    undo = f"git tag --delete {tag} && git reset --hard HEAD~1"
    print(f"to undo it: {undo} && rm dist/*-{given.version}-*.whl")
    return 0


if __name__ == "__main__":
    sys.exit(main())
