"""Whether a proof still speaks of the code as it is."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROVEN = (
    *("orchestrator/core", "orchestrator/engine", "orchestrator/process", "orchestrator/store"),
    "plugins",
)
"""What a proof is about: a change of it makes every older proof outdated."""
RUN = ("orchestrator", "plugins", "tests", "conftest.py", "pyproject.toml", "constraints.txt")
"""What must be committed when a proof runs, or its row would name a commit that was not run."""


def git(*words: str, root: Path = ROOT) -> str:
    """What git prints."""
    done = subprocess.run(
        ["git", *words], cwd=root, env=_env(), capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def _env() -> dict[str, str]:
    """Without what a git hook hands on: it would make git work on another repository."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}


def newest_change(root: Path = ROOT) -> str:
    """The newest commit that changed what is proven."""
    return git("log", "-1", "--format=%H", "--", *PROVEN, root=root)


def is_current(commit: str, root: Path = ROOT) -> bool:
    """Whether nothing of what is proven has changed since this commit. Unknown commits are old."""
    known = ["git", "merge-base", "--is-ancestor", newest_change(root), commit]
    asked = subprocess.run(known, cwd=root, env=_env(), capture_output=True, check=False)
    return asked.returncode == 0


def uncommitted(root: Path = ROOT) -> str:
    """What differs from the last commit of all that a proof runs, a line a file."""
    return git("status", "--porcelain", "--", *RUN, root=root)
