"""Following a job: its changes and the logs of all its steps, over one `poll`.

A log is taken up again by its offset when the daemon was away. When more than one step writes,
each change of the source is marked as tail(1) does it: `==> plan <==`.
"""

from __future__ import annotations

from time import monotonic

from orchestrator.cli.client import http
from orchestrator.cli.client.daemon import AWAY
from orchestrator.cli.client.errors import AnswerLost, Refused
from orchestrator.cli.client.sse import EventReader
from orchestrator.cli.client.waiting import readable
from orchestrator.cli.staying.notices import ApprovalNotices
from orchestrator.cli.staying.watch import SILENT_SECONDS, job_of, open_watch
from orchestrator.cli.view.escapes import harmless
from orchestrator.cli.view.logtext import LineDecoder, harmless_lines
from orchestrator.cli.view.steps import step_note

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.cli.client.connection import Exchange
    from orchestrator.cli.client.daemon import Daemon
    from orchestrator.cli.client.wire import Job, Step
    from orchestrator.cli.view.terminal import Terminal


class LogPrinter:
    """Prints lines of logs, whole, and says whose they are when the source changes."""

    def __init__(self, terminal: Terminal, titles: bool) -> None:
        self._terminal = terminal
        self._titles = titles
        self._last: tuple[str, int] | None = None

    def print(self, step: str, attempt: int, text: str) -> None:
        """Print whole lines of a step's log; "" is nothing."""
        if not text:
            return
        if self._terminal.as_json:
            for line in text.removesuffix("\n").split("\n"):
                self._terminal.object_line({"step": step, "attempt": attempt, "line": line})
            return
        if self._titles and self._last != (step, attempt):
            again = f" (attempt {attempt})" if attempt > 1 else ""
            title = f"==> {harmless(step)}{again} <=="
            self._terminal.line(("\n" if self._last else "") + self._terminal.paint(title, "bold"))
        self._last = (step, attempt)
        self._terminal.write(harmless_lines(text, self._terminal.colour))

    def print_why_not_run(self, step: Step) -> None:
        """In place of the log of a step that did not run."""
        self.print(step["name"], step["attempt"], step_note(step, 0.0) + "\n")


class LogSource:
    """One attempt's log: where we are in it, and the stream while there is one."""

    def __init__(self, step: str, attempt: int, tail: int | None) -> None:
        self.step = step
        self.attempt = attempt
        self.ended = False
        self.exchange: Exchange | None = None
        self._offset: int | None = None
        self._tail = tail
        self._decoder = LineDecoder()

    def open(self, daemon: Daemon, job: int) -> None:
        """Open the stream where we stopped; a log that is not there (yet) stays unopened."""
        try:
            self.exchange = daemon.stream(
                log_path(job, self.step),
                attempt=self.attempt,
                follow=True,
                offset=self._offset,
                tail=self._tail if self._offset is None else None,
            )
        except Refused as refused:
            if refused.status != 404:
                raise
            return
        if self._offset is None:
            self._offset = log_offset(self.exchange.response)

    def receive(self, printer: LogPrinter) -> None:
        """Print what has come. Raises AnswerLost if the daemon went away."""
        assert self.exchange is not None and self._offset is not None
        piece = self.exchange.receive(0)
        self._offset += len(piece)
        printer.print(self.step, self.attempt, self._decoder.feed(piece))
        if self.exchange.finished:
            printer.print(self.step, self.attempt, self._decoder.end())
            self.ended = True
            self.close()

    def close(self) -> None:
        """Give the stream up; `open` goes on where it stopped."""
        if self.exchange:
            self.exchange.close()
            self.exchange = None


class LogChoice:
    """Which logs to follow: of all steps, or of one `step` (then it ends with the step).

    `attempt` None is the current one; `tail` is how many lines of what was there are shown.
    """

    __slots__ = ("attempt", "step", "tail")

    def __init__(
        self, step: str | None = None, attempt: int | None = None, tail: int | None = None
    ) -> None:
        self.step = step
        self.attempt = attempt
        self.tail = tail

    def wants(self, step: Step) -> bool:
        """Whether this step has, or will have, a log that was asked for."""
        if self.step is not None and step["name"] != self.step:
            return False
        begun = step["phase"] != "pending" or step["next_attempt_at"] is not None
        return begun and not did_not_run(step)


class Follower:
    """Prints the logs of a job's steps as they are written, until the job has finished."""

    def __init__(
        self,
        daemon: Daemon,
        job: int,
        terminal: Terminal,
        choice: LogChoice,
        attend: bool = False,
    ) -> None:
        self._daemon = daemon
        self._job = job
        self._terminal = terminal
        self._choice = choice
        self._attend = attend
        self._printer = LogPrinter(terminal, titles=choice.step is None)
        self._sources: dict[tuple[str, int], LogSource] = {}
        self._not_run: set[str] = set()
        self._first: dict[str, int] = {}
        self._seen: Job | None = None
        self._watch: Exchange | None = None
        self._events = EventReader()
        self._silent_at = 0.0
        self._tell_of_approvals = ApprovalNotices(terminal)

    def run(self, until_reader_goes: bool = False) -> Job:
        """Follow to the end; may be called again after Interrupted. The job as last seen.

        With `until_reader_goes`, the end comes also when nobody reads what is printed.
        """
        try:
            self._daemon.returning(self._open)
            while not (self._over() or (until_reader_goes and self._terminal.reader_gone)):
                try:
                    self._pump()
                except AWAY as error:
                    self._close()
                    self._daemon.returning(self._open, first=error)
        finally:
            self._close()
        assert self._seen is not None
        return self._seen

    def _open(self) -> None:
        self._close()
        self._events = EventReader()
        self._watch = open_watch(self._daemon, self._job, self._attend)
        self._silent_at = monotonic() + SILENT_SECONDS
        self._open_logs()

    def _close(self) -> None:
        for exchange in (self._watch, *self._sources.values()):
            if exchange:
                exchange.close()
        self._watch = None

    def _over(self) -> bool:
        if self._seen is None or any(source.exchange for source in self._sources.values()):
            return False
        return self._seen["phase"] == "finished" or any(
            step["name"] == self._choice.step and step["phase"] == "finished"
            for step in self._seen["steps"]
        )

    def _pump(self) -> None:
        """Wait for one of the streams and take what it has."""
        streams = {s.exchange.fileno(): s for s in self._sources.values() if s.exchange}
        ready = self._ready()
        for descriptor in ready:
            if descriptor in streams:
                streams[descriptor].receive(self._printer)
        if self._watch and self._watch.fileno() in ready:
            self._receive_changes()
        elif self._watch and monotonic() > self._silent_at:
            raise AnswerLost(f"the daemon has said nothing for {SILENT_SECONDS:.0f} s")

    def _ready(self) -> list[int]:
        exchanges = [self._watch, *(source.exchange for source in self._sources.values())]
        opened = [exchange for exchange in exchanges if exchange]
        at_hand = [exchange.fileno() for exchange in opened if exchange.at_hand]
        return at_hand or readable((exchange.fileno() for exchange in opened), SILENT_SECONDS)

    def _receive_changes(self) -> None:
        assert self._watch is not None
        self._silent_at = monotonic() + SILENT_SECONDS
        for event in self._events.feed(self._watch.receive(0)):
            job = job_of(event)
            if job is not None:
                self._seen = job
                self._tell_of_approvals(job)
        self._open_logs()
        if self._watch.finished:
            if not self._seen or self._seen["phase"] != "finished":
                raise AnswerLost("the daemon ended the stream")
            self._watch.close()
            self._watch = None

    def _open_logs(self) -> None:
        """Open the log of each attempt that has begun and is not open or read to its end."""
        for step in self._seen["steps"] if self._seen else []:
            if did_not_run(step) and step["name"] not in self._not_run and not self._choice.step:
                self._not_run.add(step["name"])
                self._printer.print_why_not_run(step)
            if self._choice.wants(step):
                for attempt in self._attempts(step):
                    self._open_log(step["name"], attempt)

    def _attempts(self, step: Step) -> tuple[int, ...]:
        """The one that was asked for; else every one, with `tail` from the one that we came to."""
        if self._choice.attempt:
            return (self._choice.attempt,)
        came_to = 1 if self._choice.tail is None else step["attempt"]
        first = self._first.setdefault(step["name"], came_to)
        return tuple(range(first, step["attempt"] + 1))

    def _open_log(self, step: str, attempt: int) -> None:
        source = self._sources.setdefault(
            (step, attempt), LogSource(step, attempt, self._choice.tail)
        )
        if not source.ended and source.exchange is None:
            source.open(self._daemon, self._job)


def did_not_run(step: Step) -> bool:
    """Whether the step has ended without ever running, so that it has no log."""
    return step["conclusion"] in ("skipped", "not_run")


def log_path(job: int, step: str) -> str:
    """Where a step's log is."""
    return f"/v1/jobs/{job}/steps/{http.quoted(step)}/log"


def log_offset(response: http.Response) -> int:
    """Where in the log an answer's body begins."""
    text = response.headers.get("log-offset", "0")
    return int(text) if text.isascii() and text.isdecimal() else 0
