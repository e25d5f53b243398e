"""What the adapter suite needs for `git`: a repository, and git under a script that counts."""

import shutil
import sys
from pathlib import Path

from orchestrator.testing.suite_material import Material, Settings
from tests.builtin.git_repositories import Repository

WRAPPER = """\
#!{python} -S
import os, signal, sys
ROOT = {root!r}
def trace(name):
    file = os.open(ROOT + "/" + name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, b"x")
    os.close(file)
if "fetch" in sys.argv and {hangs}:
    signal.pthread_sigmask(signal.SIG_BLOCK, {{signal.SIGTERM}})
    trace("runs")
    signal.sigwait({{signal.SIGTERM}})
    trace("stops")
    while {stubborn} and not os.path.exists(ROOT + "/relent"):
        if signal.sigtimedwait({{signal.SIGTERM}}, 0.05):
            trace("stops")
    sys.exit(143)
if "clone" in sys.argv:
    trace("runs")
os.execv({git!r}, ["git", *sys.argv[1:]])
"""


class GitMaterial(Material):
    """One repository with a tag; a byte in a file of `root` for each thing that is counted."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.repository = Repository(root / "infra")
        self.commit = self.repository.commit({"main.tf": "# empty\n"}, "v1.2.3")

    def succeeding(self) -> Settings:
        return self._settings("v1.2.3")

    def failing(self) -> Settings:
        return self._settings("v9.9")

    def working(self) -> Settings:
        return self._settings("v1.2.3", hangs=True)

    def stubborn(self) -> Settings:
        return self._settings("v1.2.3", hangs=True, stubborn=True)

    def relent(self) -> None:
        (self.root / "relent").touch()

    @property
    def outputs(self) -> dict[str, str]:
        return {"commit": self.commit, "ref": "refs/tags/v1.2.3", "describe": "v1.2.3"}

    @property
    def lines(self) -> tuple[str, ...]:
        return (f"looking at {self.repository.url}", f"commit {self.commit} (v1.2.3)")

    def runs(self) -> int:
        return self._count("runs")

    def stops(self, log: str) -> int:
        return self._count("stops")

    def left(self) -> str:
        scratch = (self.root.parent / "state" / "jobs").glob("*/steps/*/*/scratch/*")
        return ", ".join(
            path.name for path in scratch if path.name.startswith(("key", "checkout-tree"))
        )

    def _settings(self, ref: str, *, hangs: bool = False, stubborn: bool = False) -> Settings:
        tool = self.root / f"git-{hangs}-{stubborn}"
        git = shutil.which("git")
        if not tool.exists():
            written = WRAPPER.format(
                python=sys.executable, root=str(self.root), git=git, hangs=hangs, stubborn=stubborn
            )
            tool.write_text(written)
            tool.chmod(0o700)
        return {
            "url": self.repository.url,
            "ref": ref,
            "binary": str(tool),
        }

    def _count(self, name: str) -> int:
        path = self.root / name
        return path.stat().st_size if path.exists() else 0
