"""The bare mirror of a repository, kept between jobs. It may be deleted at any time.

Work trees take their objects from it as hard links, so nothing that happens to it later breaks
one. Whoever uses it holds its lock, and so does each git that it starts: a git that outlives its
parent still keeps others out.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.builtin.checkout.failures import Failure, GitFailed
from orchestrator.builtin.checkout.git import Git
from orchestrator.builtin.checkout.refs import HEADS, TAGS, RemoteRefs, Wanted, unknown

_LOOK_AT_LOCK = 0.2
_ASKED_FOR = "refs/orchestrator/"
"""Where commits are kept that no branch or tag of the remote leads to."""


class Mirror:
    """The mirror of one URL below `mirrors`. `rebuilt` says why it was made anew, if it was."""

    def __init__(self, git: Git, mirrors: Path, url: str) -> None:
        name = hashlib.sha256(url.encode()).hexdigest()[:32]
        self.path = mirrors / f"{name}.git"
        self.rebuilt = ""
        self._lock = mirrors / f"{name}.lock"
        self._git = git
        self._url = url

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the mirror; another checkout of this environment is waited for. Raises Stopped."""
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._take(descriptor)
            self._git.lock = descriptor
            yield
        finally:
            self._git.lock = None
            os.close(descriptor)

    def _take(self, descriptor: int) -> None:
        said = False
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if not said:
                    self._git.console.say("waiting for another checkout that uses the same mirror")
                    said = True
            self._git.pause(_LOOK_AT_LOCK)

    def get(self, wanted: Wanted, remote: RemoteRefs) -> str:
        """The id of the commit, which is here afterwards. Raises Failure, GitFailed, Stopped."""
        self._prepare()
        try:
            return self._get(wanted, remote)
        except GitFailed as failed:
            if self.is_sound():
                raise
            self.rebuild(str(failed))
        return self._get(wanted, remote)

    def is_sound(self) -> bool:
        """Whether all that should be in it is."""
        return self._git.succeeds(self._here(), "fsck", "--no-dangling", "--no-progress")

    def rebuild(self, why: str) -> None:
        """Throw it away and begin a new one."""
        self.rebuilt = why
        self._git.console.say(f"the mirror {self.path} is damaged and is made anew: {why}")
        shutil.rmtree(self.path)
        self._create()

    def _prepare(self) -> None:
        if not self.path.exists():
            self._create()
        elif not self._git.succeeds(self._here(), "rev-parse", "--git-dir"):
            self.rebuild("it is no git repository any more")
        self._remove_stale_locks()

    def _create(self) -> None:
        draft = self.path.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        self._git.run("init", "--quiet", "--bare", "--template=", "--", str(draft))
        draft.rename(self.path)

    def _remove_stale_locks(self) -> None:
        """What a killed git left; nobody else is at work here."""
        tops = (self.path, self.path / "objects" / "info")
        stale = [file for top in tops for file in top.glob("*.lock")]
        stale += (self.path / "refs").rglob("*.lock")
        stale += (self.path / "objects").rglob("tmp_*")
        for file in stale:
            file.unlink(missing_ok=True)

    def _get(self, wanted: Wanted, remote: RemoteRefs) -> str:
        found = self._commit(wanted.commit)
        if found is None or self._refs() != remote.mirrored:
            self._fetch(f"+{HEADS}*:{HEADS}*", f"+{TAGS}*:{TAGS}*")
            self._tidy()
            found = self._commit(wanted.commit)
        if found is None and wanted.is_whole:
            found = self._get_alone(wanted, remote)
        if found is None:
            raise unknown(wanted.short, remote, self._url)
        return found

    def _get_alone(self, wanted: Wanted, remote: RemoteRefs) -> str | None:
        """A commit that no branch or tag leads to; hosts may refuse to hand it out."""
        source = wanted.commit if wanted.is_bare_commit else wanted.name
        try:
            self._fetch(f"+{source}:{_ASKED_FOR}{wanted.commit}")
        except GitFailed as failed:
            if wanted.is_bare_commit and any("not our ref" in line for line in failed.lines):
                return None
            raise
        found = self._commit(wanted.commit)
        if found is None and not wanted.is_bare_commit:
            text = f"{wanted.short} moved in {self._url} while it was fetched; try again"
            raise Failure("ref", text)
        return found

    def _fetch(self, *refspecs: str) -> None:
        options = ("--prune", "--no-tags", "--force", "--progress", "--no-write-fetch-head")
        self._git.console.say(f"fetching {self._url}")
        self._git.run(self._here(), "fetch", *options, "--", self._url, *refspecs)

    def _tidy(self) -> None:
        """Few packs are faster than many. What goes wrong here harms nothing."""
        limits = ("-c", "gc.auto=6700", "-c", "gc.autoPackLimit=50", "-c", "gc.autoDetach=false")
        self._git.succeeds(self._here(), *limits, "gc", "--auto", "--quiet")

    def _commit(self, id: str) -> str | None:
        """The full id of a commit that is here, None if it is not or if several begin so."""
        arguments = ("rev-parse", "--quiet", "--verify", "--end-of-options", f"{id}^{{commit}}")
        try:
            return self._git.read(self._here(), *arguments).strip()
        except GitFailed:
            return None

    def _refs(self) -> dict[str, str]:
        form = "--format=%(objectname) %(refname)"
        listed = self._git.read(self._here(), "for-each-ref", form, HEADS, TAGS)
        pairs = (line.split(" ", 1) for line in listed.splitlines())
        return {name: id for id, name in pairs}

    def _here(self) -> str:
        return f"--git-dir={self.path}"
