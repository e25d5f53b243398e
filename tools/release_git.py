"""What git says of the checkout that is to be released, and what in it keeps a release away."""

import os
import re
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tools.release_texts import (
    ReleaseRefused,
    is_version,
    newest,
    released_changelog,
    released_project,
)

ROOT = Path(__file__).parents[1]
CHANGELOG = "CHANGELOG.md"

_RELEASE = re.compile(r"Release (\S+)")
_NEWEST_SECTION = re.compile(r"^## \[([^\]]+)\] - (\S+)$", re.MULTILINE)


def git(*words: str) -> str:
    """What git says. Raises ReleaseRefused with what it complains of, or where it is missing."""
    try:
        done = run(["git", *words])
    except FileNotFoundError:
        raise ReleaseRefused("there is no program git: install it") from None
    if done.returncode:
        raise ReleaseRefused(f"git {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.rstrip()  # but the first column stays: in that of `status` is a space


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run it to its end, also where a signal raises meanwhile."""
    env = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        try:
            out, err = child.communicate()
        except BaseException:
            child.terminate()  # killed, git would leave its lock, and no reset could follow
            child.wait()
            raise
    return subprocess.CompletedProcess(command, child.returncode, out, err)


def branch() -> str:
    """Whose commits are released. Raises ReleaseRefused where they would be of no branch."""
    git("rev-parse", "HEAD")  # what else is wrong, git says itself
    try:
        return git("symbolic-ref", "--quiet", "--short", "HEAD")
    except ReleaseRefused:
        raise ReleaseRefused("HEAD is detached: git switch to the branch to be released") from None


def day_of_head() -> str:
    """In the time zone of whoever releases, as the date of the release is."""
    return git("log", "-1", "--format=%cd", "--date=format-local:%Y-%m-%d")


def demand_newest(version: str) -> None:
    """Raise ReleaseRefused for a version that has a tag, or is less than one that has."""
    tags = git("tag", "--list", "v*").split()
    if f"v{version}" in tags:
        raise ReleaseRefused(f"there is a tag v{version} already: git show v{version}")
    last = newest(tag.removeprefix("v") for tag in tags)
    if last is not None and newest([version, last]) == last:
        raise ReleaseRefused(f"{version} is less than {last}, which is released: git show v{last}")


def demand_no_half_release() -> None:
    """Raise ReleaseRefused where one was killed, and say how it is undone."""
    found = _RELEASE.fullmatch(git("log", "-1", "--format=%s"))
    if found and is_version(found[1]) and not git("tag", "--list", f"v{found[1]}"):
        version = found[1]
        raise ReleaseRefused(
            f"HEAD is a Release {version} without its tag. To undo it, before it is made again: "
            f"git reset --hard HEAD~1\nWhere only the tag is gone: "
            f"git tag --annotate --message 'Release {version}' v{version}"
        )
    changed = git("diff", "--name-only", "--no-renames", "-z", "HEAD", "--").split("\0")
    names = [name for name in changed if name]
    if names and _are_of_a_release(names):
        raise ReleaseRefused(
            f"a release was killed and has changed {', '.join(names)}, nothing else there. "
            "To undo it: git reset --hard HEAD"
        )


def _are_of_a_release(names: Sequence[str]) -> bool:
    """Whether these files hold what a release makes of what is committed, and nothing of people."""
    try:
        now = {name: (ROOT / name).read_text("utf-8") for name in names}
        section = _NEWEST_SECTION.search(now.get(CHANGELOG, ""))  # it is written first
        if section is None:
            return False
        version, date = section.groups()
        return all(
            now[name].rstrip() == _released(name, git("show", f"HEAD:{name}"), version, date)
            for name in names
        )
    except (ReleaseRefused, OSError, ValueError):
        return False


def _released(name: str, text: str, version: str, date: str) -> str:
    if name == CHANGELOG:
        return released_changelog(text, version, date)
    if Path(name).name == "pyproject.toml":
        return released_project(text, version)
    return text


def demand_clean_tree() -> None:
    """Whatever a person's settings hide: a wheel would have it."""
    words = ["--porcelain", "--untracked-files=normal", "--ignore-submodules=none"]
    changed = git("--no-optional-locks", "status", *words)  # writes nothing: a disk may be full
    if changed:
        raise ReleaseRefused(f"commit these first, or git stash -u:\n{changed}")


def how_to_publish(on: str, tag: str) -> str:
    """As it is typed."""
    return f"git push origin {shlex.quote(on)} {tag}"
