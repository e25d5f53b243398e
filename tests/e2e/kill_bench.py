"""An installation whose daemons are killed: what it was asked for, and where each of them died."""

import fcntl
import json
import os
import re
import signal
import termios
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from orchestrator.cli.client import http
from orchestrator.cli.client.connection import Exchange, open_exchange
from orchestrator.cli.client.waiting import readable
from orchestrator.process import identity, state
from tests.e2e.e2e_bench import Installation, insisting, until
from tests.e2e.kill_windows import Attempt, Journal, Window, window_of_start

WAL_WRITE_LOCK = 120
"""The byte of the shared index that a writer locks ("WAL-mode File Format", sqlite.org)."""


class KillBench:
    """`kill` is the only way in which its daemons die; `hits` counts what that hit."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.journal = Journal(installation.state)
        self.accepted: set[int] = set()
        self.kills: list[int] = []
        """When, in nanoseconds of the boot-time clock."""
        self.hits: Counter[Window] = Counter()
        self.held: list[Path] = []
        """The directories of processes whose tools work until they are released."""
        self._numbers = count()

    def kill(self) -> Counter[Window]:
        """SIGKILL to the daemon; where it was."""
        pid = self.installation.pid
        self.kills.append(time.clock_gettime_ns(time.CLOCK_BOOTTIME))
        self.installation.kill()
        hit = self.journal.read().windows()
        if (start := window_of_start(self.journal, pid, self.installation.log)) is not None:
            hit[start] += 1
        self.hits.update(hit.keys())
        return hit

    def die_in(self, window: Window) -> None:
        """The same, in a window that it was led into."""
        hit = self.kill()
        assert window in hit, f"meant to hit {window.value!r}, and hit {hit}"

    def told(self) -> str:
        """How many kills hit what."""
        hits = "; ".join(f"{number} x {window.value}" for window, number in self.hits.most_common())
        return f"they hit: {hits}"

    # --- jobs ------------------------------------------------------------------------------

    def submit(self, pipeline: str, environment: str, **params: str) -> int:
        """A job, accepted however often a daemon dies meanwhile."""
        return self.insist(*self.request(pipeline, environment, **params))

    def request(self, pipeline: str, environment: str, **params: str) -> tuple[str, Any]:
        """A submission that nobody has heard of yet: its key and its body."""
        body = {"pipeline": pipeline, "environment": environment, "params": params}
        return f"key of the killer {next(self._numbers)}", body

    def insist(self, key: str, body: Any) -> int:
        """Submit it until there is an answer."""
        job: int = insisting(lambda: self.installation.client.post("/v1/jobs", body, key))["id"]
        self.accepted.add(job)
        return job

    @contextmanager
    def asking(self, path: str, body: Any, key: str = "") -> Iterator[Exchange]:
        """A request of which the answer is not waited for."""
        headers = {"Accept": "application/json", **({"Idempotency-Key": key} if key else {})}
        data = http.request("POST", path, headers, json.dumps(body).encode())
        with open_exchange(str(self.installation.socket), data) as exchange:
            yield exchange

    @contextmanager
    def cancelling(self, job: int) -> Iterator[Exchange]:
        """A cancel, the same way."""
        with self.asking(f"/v1/jobs/{job}/cancel", {}) as exchange:
            yield exchange

    @contextmanager
    def nothing_can_be_committed(self) -> Iterator[None]:
        """Another writer holds the database, for less time than the daemon has patience."""
        with (self.installation.state / "state.db-shm").open("r+b") as index:
            fcntl.lockf(index, fcntl.LOCK_EX, 1, WAL_WRITE_LOCK)
            yield

    # --- tools -----------------------------------------------------------------------------

    def hold(self, attempt: Attempt) -> None:
        """Its tool was asked for more lines than anybody waits for; returns when it can be told
        that it is enough. Its log would not tell: what the attempt ran before wrote to that too."""
        directory = self.directory(attempt)
        until("the tool listens", lambda: _hears(directory, signal.SIGUSR1))
        self.held.append(directory)

    def release(self) -> None:
        """Let the tools that are held end, as if they had done all."""
        for directory in self.held:
            tool = state.read_tool(directory)
            if tool is not None and identity.is_alive(tool.pid, tool.start_time):
                os.kill(tool.pid, signal.SIGUSR1)
        self.held.clear()

    # --- waiting ---------------------------------------------------------------------------

    def until(self, window: Window, job: int | None = None) -> Attempt:
        """Return when an attempt (of this job) is there, while the daemon goes on."""
        until(window.value, lambda: window in self.journal.read().windows(job))
        return self.attempt_in(window, job)

    def attempt_in(self, window: Window, job: int | None = None) -> Attempt:
        """The attempt that is there."""
        return next(
            attempt
            for attempt in self.journal.attempts.values()
            if job in (None, attempt.ref.job) and window in self.journal.windows_of(attempt)
        )

    def directory(self, attempt: Attempt) -> Path:
        """Of the process that it intended last."""
        directory = self.journal.process(attempt)
        assert directory is not None
        return directory

    def keeper(self, environment: str) -> int:
        """The daemon's keeper, which lives from its first process on.

        A job runs first: until the daemon has had a process, the only keeper may be that of the
        daemon before it, about to end.
        """
        self.installation.finished(self.submit("look", environment, lines="1"))
        [keeper] = self.installation.keepers()
        return keeper


def kill_at_named_moments(bench: KillBench, points: Mapping[str, Callable[[], None]]) -> int:
    """Reach each of them, or fail; how many there are."""
    for name, reach in points.items():
        if not bench.installation.running:
            bench.installation.start()
        before = len(bench.kills)
        try:
            reach()
        except BaseException as error:
            error.add_note(f"meant to kill at: {name}")
            raise
        bench.release()
        assert len(bench.kills) > before, f"nobody was killed at: {name}"
    return len(points)


def _hears(directory: Path, number: signal.Signals) -> bool:
    """Whether the tool has a handler for a signal (proc(5), SigCgt)."""
    tool = state.read_tool(directory)
    if tool is None:
        return False
    try:
        status = Path(f"/proc/{tool.pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    [caught] = re.findall(r"^SigCgt:\t(\w+)$", status, re.MULTILINE)
    return bool(int(caught, 16) >> (number - 1) & 1)


def unread(exchange: Exchange) -> int:
    """Bytes of a request that the daemon has not taken yet (unix(7), SIOCOUTQ)."""
    return int.from_bytes(fcntl.ioctl(exchange, termios.TIOCOUTQ, bytes(4)), "little")


def is_answered(exchange: Exchange) -> bool:
    """Whether the daemon has begun to say something."""
    return bool(readable((exchange.fileno(),), 0))


def has_order(pid: int) -> bool:
    """Whether this daemon has handed the order of a process to its keeper and waits."""
    return any(_links_to_order(link) for link in Path(f"/proc/{pid}/fd").iterdir())


def _links_to_order(link: Path) -> bool:
    try:
        return os.fspath(link.readlink()) == "/memfd:order (deleted)"
    except OSError:
        return False
