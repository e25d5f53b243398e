"""Runs git: never a shell, none of the host's or the repository's configuration, one stop."""

import os
import re
import select
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from orchestrator.builtin.checkout.console import Console
from orchestrator.builtin.checkout.failures import Failure, GitFailed, Stopped
from orchestrator.builtin.checkout.order import CheckoutOrder

OLDEST = (2, 32)
"""The first that can be told to leave the user's configuration alone (GIT_CONFIG_GLOBAL)."""
CONFIG = """\
[core]
	hooksPath = /dev/null
	fsmonitor = false
	attributesFile = /dev/null
	excludesFile = /dev/null
[init]
	defaultBranch = main
	templateDir =
[gc]
	auto = 0
	autoDetach = false
[maintenance]
	auto = false
[fetch]
	recurseSubmodules = false
[submodule]
	recurse = false
	fetchJobs = 4
[advice]
	detachedHead = false
[http]
	lowSpeedLimit = 1000
	lowSpeedTime = 60
"""
"""Takes the place of the user's. `hooksPath` holds for submodules too."""
_PASSED = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LC_.*|TZ|TMPDIR|SSL_CERT_(FILE|DIR)|GIT_SSL_CA(INFO|PATH)"
    r"|(HTTPS?|ALL|NO)_PROXY|(https?|all|no)_proxy|SSH_AUTH_SOCK"
)
_CHUNK = 1 << 16


class Git:
    """The git of one order. `lock` is a descriptor that its processes hold as well."""

    def __init__(self, order: CheckoutOrder, console: Console) -> None:
        self.console = console
        self.lock: int | None = None
        self._order = order
        self._woken, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.set_wakeup_fd(wake)
        Path(order.config).write_text(CONFIG, encoding="utf-8")

    def demand_version(self) -> None:
        """Raises Failure where git is missing or too old."""
        told = self.read("--version")
        found = re.search(r"(\d+)\.(\d+)", told)
        if found is None or (int(found[1]), int(found[2])) < OLDEST:
            wanted = ".".join(map(str, OLDEST))
            raise Failure("binary", f"{told.strip() or 'git'}: {wanted} or newer is needed")

    def run(self, *arguments: str, cwd: str | None = None, protocols: Sequence[str] = ()) -> None:
        """Run it; what it says goes to the log. Raises GitFailed, Stopped."""
        self._run(arguments, cwd, protocols, None)

    def read(self, *arguments: str, cwd: str | None = None, protocols: Sequence[str] = ()) -> str:
        """What it writes to stdout. Raises GitFailed, Stopped."""
        with tempfile.TemporaryFile() as stdout:
            self._run(arguments, cwd, protocols, stdout)
            stdout.seek(0)
            return stdout.read().decode(errors="replace")

    def succeeds(self, *arguments: str) -> bool:
        """Whether it exits with 0. What it says is dropped. Raises Stopped."""
        try:
            self.read(*arguments)
        except GitFailed:
            return False
        return True

    def pause(self, seconds: float) -> None:
        """Wait; raises Stopped as soon as the stop comes."""
        if select.select([self._woken], [], [], seconds)[0]:
            raise Stopped

    def _run(
        self,
        arguments: Sequence[str],
        cwd: str | None,
        protocols: Sequence[str],
        stdout: IO[bytes] | None,
    ) -> None:
        self.pause(0)
        self.console.lines.clear()
        with self._started(arguments, cwd, protocols, stdout) as process:
            self._attend(process)
            code = process.wait()
        if code != 0:
            raise GitFailed(arguments[0], code, tuple(self.console.lines))

    @contextmanager
    def _started(
        self,
        arguments: Sequence[str],
        cwd: str | None,
        protocols: Sequence[str],
        stdout: IO[bytes] | None,
    ) -> Iterator[subprocess.Popen[bytes]]:
        try:
            process = subprocess.Popen(
                [self._order.git, *arguments],
                cwd=cwd,
                env=self._environment(protocols),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=subprocess.PIPE,
                pass_fds=[] if self.lock is None else [self.lock],
            )
        except OSError as error:
            text = f"{self._order.git} was not started: {error.strerror}"
            raise Failure("binary", text) from error
        try:
            yield process
        except Stopped:
            process.terminate()
            process.wait()
            raise
        finally:
            assert process.stderr is not None
            process.stderr.close()

    def _attend(self, process: subprocess.Popen[bytes]) -> None:
        """Until it ends. What it left behind may keep its stderr open; that is not waited for."""
        assert process.stderr is not None
        source = process.stderr.fileno()
        os.set_blocking(source, False)
        ended = os.pidfd_open(process.pid)
        try:
            while True:
                ready, _, _ = select.select([source, ended, self._woken], [], [])
                if self._woken in ready:
                    raise Stopped
                at_end = self._take(source)
                if ended in ready:
                    return
                if at_end:
                    self._wait_for(ended)
                    return
        finally:
            os.close(ended)
            self.console.take(b"")

    def _wait_for(self, ended: int) -> None:
        if self._woken in select.select([ended, self._woken], [], [])[0]:
            raise Stopped

    def _take(self, source: int) -> bool:
        """Take all that is there; whether it is closed."""
        while True:
            try:
                chunk = os.read(source, _CHUNK)
            except BlockingIOError:
                return False
            if not chunk:
                return True
            self.console.take(chunk)

    def _environment(self, protocols: Sequence[str]) -> dict[str, str]:
        passed = {name: value for name, value in os.environ.items() if _PASSED.fullmatch(name)}
        return {
            **passed,
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": self._order.config,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "true",
            "SSH_ASKPASS": "true",
            "SSH_ASKPASS_REQUIRE": "never",
            "GIT_ALLOW_PROTOCOL": ":".join(protocols or self._order.transports),
            "GIT_SSH_COMMAND": self._order.ssh,
            "GIT_SSH_VARIANT": "ssh",
            "GIT_LFS_SKIP_SMUDGE": "1",
        }
