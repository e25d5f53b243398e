"""Whether a proof still speaks of the code as it is."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROVEN = (
    *("orchestrator/core", "orchestrator/engine", "orchestrator/process", "orchestrator/store"),
    "plugins",
)
"""What a proof is about: a change of it makes every older proof outdated."""


def git(*words: str, root: Path = ROOT) -> str:
    """What git prints."""
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def newest_change(root: Path = ROOT) -> str:
    """The newest commit that changed what is proven."""
    return git("log", "-1", "--format=%H", "--", *PROVEN, root=root)


def is_current(commit: str, root: Path = ROOT) -> bool:
    """Whether nothing of what is proven has changed since this commit. Unknown commits are old."""
    known = ["git", "merge-base", "--is-ancestor", newest_change(root), commit]
    return subprocess.run(known, cwd=root, capture_output=True, check=False).returncode == 0


def uncommitted(root: Path = ROOT) -> str:
    """What differs from the last commit among what is proven, a line a file."""
    return git("status", "--porcelain", "--", *PROVEN, "tests", root=root)
