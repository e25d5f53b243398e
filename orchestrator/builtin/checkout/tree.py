"""The work tree: made aside, and put in its place by one rename. So there is never half of one."""

import os
import shutil
from pathlib import Path

from orchestrator.builtin.checkout.failures import Failure, GitFailed, said
from orchestrator.builtin.checkout.git import Git
from orchestrator.builtin.checkout.order import CheckoutOrder

MARK = Path(".git") / "orchestrator-checkout"
"""Holds whose work tree it is."""


class WorkTree:
    """The work tree of one order."""

    def __init__(self, git: Git, order: CheckoutOrder) -> None:
        self._git = git
        self._order = order
        self._draft = Path(order.draft)
        self._target = Path(order.target)

    def demand_place(self) -> None:
        """Raises Failure where something else lies in its place."""
        if _is_free(self._target) or self._is_ours():
            return
        text = f"{self._target} is not empty; a work tree needs an empty directory"
        raise Failure("url", text)

    def clone(self, mirror: Path) -> None:
        """Take all objects from the mirror, as hard links. Raises GitFailed, Stopped."""
        shutil.rmtree(self._draft, ignore_errors=True)
        options = ("--local", "--no-checkout", "--template=", "--quiet")
        places = (str(mirror), str(self._draft))
        self._git.run("clone", *options, "--", *places, protocols=("file",))

    def check_out(self, commit: str) -> None:
        """Raises GitFailed, Stopped."""
        self._in_draft("remote", "set-url", "--", "origin", self._order.url)
        self._in_draft("checkout", "--quiet", "--force", "--detach", commit, "--")

    def add_submodules(self) -> None:
        """At their recorded commits. Raises Failure, Stopped."""
        if not (self._draft / ".gitmodules").is_file():
            return
        self._git.console.say("submodules")
        options = ("--init", "--recursive", "--checkout", "--force", "--progress")
        try:
            self._in_draft("submodule", "update", *options)
        except GitFailed as failed:
            raise Failure("submodules", f"submodules: {_of_submodule(failed)}") from failed

    def demand_directory(self) -> None:
        """Raises Failure where the directory that steps run in is not in the tree."""
        inside = Path(os.path.realpath(self._draft / self._order.directory))
        shown = f'"{self._order.directory}"'
        if not inside.is_relative_to(os.path.realpath(self._draft)):
            raise Failure("directory", f"{shown} leads out of the work tree by a symbolic link")
        if not inside.is_dir():
            raise Failure("directory", f"there is no directory {shown} in the commit")

    def describe(self, commit: str) -> str:
        """The nearest tag and how far it is, else the abbreviated commit."""
        options = ("--tags", "--always", "--abbrev=7")
        return self._git.read("describe", *options, commit, cwd=str(self._draft)).strip()

    def put_in_place(self) -> None:
        """Replace the work tree that an earlier attempt of the same step has made."""
        (self._draft / MARK).write_text(self._order.mark)
        self._target.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._is_ours():
            old = self._draft.with_name(f"{self._draft.name}.old")
            shutil.rmtree(old, ignore_errors=True)
            self._target.rename(old)
            self._draft.rename(self._target)
            shutil.rmtree(old, ignore_errors=True)
        else:
            self._draft.rename(self._target)

    def _is_ours(self) -> bool:
        try:
            return (self._target / MARK).read_text() == self._order.mark
        except OSError:
            return False

    def _in_draft(self, *arguments: str) -> None:
        self._git.run(*arguments, cwd=str(self._draft))


def _is_free(place: Path) -> bool:
    try:
        return next(place.iterdir(), None) is None
    except FileNotFoundError:
        return True


def _of_submodule(failed: GitFailed) -> str:
    """What was wrong, and not the sentences in which git passes it upwards."""
    telling = [line for line in failed.lines if "fatal" in line or "ssh" in line or "ERROR" in line]
    return said(tuple(telling[:4])) or str(failed)
