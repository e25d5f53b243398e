"""Whether a proof still speaks of the code as it is."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = "docs/proof.md"
PLAIN = (
    *("-c", "status.showUntrackedFiles=all", "-c", "status.relativePaths=false"),
    *("-c", "core.fileMode=true", "-c", "core.fsmonitor=false", "-c", "core.ignoreStat=false"),
)
"""Whatever somebody has set for their own git."""


class NoHistory(Exception):
    """The checkout can't say what has changed since an older commit."""


def git(*words: str, root: Path = ROOT) -> str:
    """What git prints."""
    done = subprocess.run(
        ["git", *PLAIN, *words], cwd=root, env=_env(), capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def _env() -> dict[str, str]:
    """Without what a git hook hands on: it would make git work on another repository."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}


def newest_change(about: Sequence[str], root: Path = ROOT) -> str:
    """The newest commit that changed what a proof is about.

    Raises:
        NoHistory: of a shallow clone, where the oldest commit seems to have changed everything.
    """
    if git("rev-parse", "--is-shallow-repository", root=root) == "true":
        raise NoHistory("this clone is shallow; fetch the whole history: git fetch --unshallow")
    return git("log", "-1", "--format=%H", "--", *about, root=root)


def is_current(commit: str, about: Sequence[str], root: Path = ROOT) -> bool:
    """Whether nothing of what is proven has changed since this commit. Unknown commits are old."""
    known = ["git", "merge-base", "--is-ancestor", newest_change(about, root), commit]
    asked = subprocess.run(known, cwd=root, env=_env(), capture_output=True, check=False)
    return asked.returncode == 0


def uncommitted(root: Path = ROOT) -> str:
    """What differs from the last commit, or may without git's telling so; a line a file.

    The page is no part of it, for each proof changes it.
    """
    changed = git("status", "--porcelain", "--", ".", f":(exclude){PAGE}", root=root)
    hidden = [
        f"{line} (git update-index --no-skip-worktree --no-assume-unchanged {line[2:]})"
        for line in git("ls-files", "-v", root=root).splitlines()
        if line[0] == "S" or line[0].islower()
    ]
    return "\n".join([*changed.splitlines(), *hidden])
