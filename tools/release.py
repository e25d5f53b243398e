"""A release: changelog, versions, commit, tag and wheels. Nothing is uploaded.

    python -m tools.release 0.2.0 --date 2026-11-30        # `make release VERSION=0.2.0`

Where it refuses, wheels can't be built or a hook keeps it from committing, all files are as before.
"""

import argparse
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.release_texts import (
    ReleaseRefused,
    demand_not_older,
    released_changelog,
    released_project,
)

ROOT = Path(__file__).parents[1]
CHANGELOG = ROOT / "CHANGELOG.md"
WHEELS = ROOT / "dist"


def projects() -> list[Path]:
    """The pyproject.toml of each distribution, the daemon's first."""
    return [ROOT / "pyproject.toml", *sorted(ROOT.glob("plugins/*/pyproject.toml"))]


def release(version: str, date: str) -> list[Path]:
    """Make a release of what is checked out; its wheels. Raises ReleaseRefused."""
    current = tomllib.loads(projects()[0].read_text(encoding="utf-8"))["project"]["version"]
    demand_not_older(version, current)
    _demand_clean_tree()
    tag = f"v{version}"
    if _git("tag", "--list", tag):
        raise ReleaseRefused(f"there is a tag {tag} already: git show {tag}")
    before = _git("rev-parse", "HEAD")
    _write(_changes(version, date))
    try:
        wheels = _build(version)
        _git("commit", "--quiet", "--all", "--message", f"Release {version}")
        _git("tag", "--annotate", "--message", f"Release {version}", tag)
    except ReleaseRefused:
        _git("reset", "--quiet", "--hard", before)  # the tree was clean
        raise
    return wheels


def _changes(version: str, date: str) -> dict[Path, str]:
    changed = {CHANGELOG: released_changelog(CHANGELOG.read_text("utf-8"), version, date)}
    for project in projects():
        changed[project] = released_project(project.read_text("utf-8"), version)
    return changed


def _write(texts: Mapping[Path, str]) -> None:
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")


def _demand_clean_tree() -> None:
    changed = _git("status", "--porcelain")
    if changed:
        raise ReleaseRefused(f"commit these first, or git stash -u:\n{changed}")


def _build(version: str) -> list[Path]:
    """The wheels of all distributions, by what set-up has installed. No index is asked."""
    folders = [str(project.parent) for project in projects()]
    words = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(WHEELS)]
    built = _run([sys.executable, "-m", "pip", "wheel", "--quiet", *words, *folders])
    if built.returncode:
        raise ReleaseRefused(f"the wheels can't be built: {built.stderr}")
    return sorted(WHEELS.glob(f"*-{version}-*.whl"))


def _git(*words: str) -> str:
    """What git says. Raises ReleaseRefused with what it complains of, or where it is missing."""
    try:
        done = _run(["git", *words])
    except FileNotFoundError:
        raise ReleaseRefused("there is no program git: install it") from None
    if done.returncode:
        raise ReleaseRefused(f"git {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.rstrip()  # but the first column stays: in that of `status` is a space


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)


def main() -> int:
    """Say what was made and how it is published, or why nothing was."""
    parser = argparse.ArgumentParser(prog="make release VERSION=x.y.z", description=__doc__)
    parser.add_argument("version", nargs="?", default="", metavar="x.y.z")
    parser.add_argument("--date", required=True, metavar="YYYY-MM-DD")
    given = parser.parse_args()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a reader may go away, as `head` does
    try:
        wheels = release(given.version, given.date)
    except ReleaseRefused as refused:
        print(f"not released: {refused}", file=sys.stderr)
        return 1
    for wheel in wheels:
        print(wheel.relative_to(ROOT))
    tag = f"v{given.version}"
    print(f"committed and tagged as {tag}; to publish it: git push origin HEAD {tag}")
    print(f"to undo it: git tag --delete {tag} && git reset --hard HEAD~1")
    return 0


if __name__ == "__main__":
    sys.exit(main())
