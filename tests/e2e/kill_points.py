"""The named moments at which a daemon is killed while commands run: each is reached, or fails.

Where something of ours can be held, it is: a keeper, a supervisor or the daemon itself stands
still, a FIFO lies where a supervisor wants to write, another writer has the database. Where nothing
can, the daemon is stepped. No moment is waited for by the clock.
"""

import os
from collections.abc import Callable
from pathlib import Path

from orchestrator.process import records, state
from orchestrator.process.state import Void
from orchestrator.testing.daemon_process import kill
from tests.e2e.e2e_bench import until
from tests.e2e.freezing import freeze, frozen
from tests.e2e.kill_bench import has_order, is_answered, unread
from tests.e2e.kill_ways import ENDLESS, KillWays
from tests.e2e.kill_windows import Attempt, Window


class CommandPoints(KillWays):
    """Kills at each of them in turn; the daemon is up before each, and was killed after it."""

    @property
    def all(self) -> dict[str, Callable[[], None]]:
        """Every moment by its name."""
        return {
            "asked, not committed": self.uncommitted,
            "committed, not answered": self.unanswered,
            "step started, nothing intended": self.started,
            "process intended, the keeper not asked": self.intended,
            "keeper asked, it has not taken it": self.asked_keeper,
            "keeper asked, and it dies too": self.asked_keeper_dies,
            "process claimed, its tool not released": self.claimed,
            "tool released, the daemon not told": self.untold,
            "tool at work": self.at_work,
            "tool at work, the keeper dies too": self.at_work_keeper_dies,
            "tool at work under a second keeper": self.second_keeper,
            "tool ended, that not on disk": self.ended,
            "tool's end on disk, not in the journal": self.on_disk,
            "end in the journal, cleanup of the step not begun": self.applied,
            "cleanup of the step at work": self.cleanup,
            "owed cleanup at work": self.owed,
            "stop in the journal, not asked for": self.stopping,
            "stop asked for, not delivered": self.asked,
            "stop delivered, the tool goes on": self.delivered,
            "state opened, the start not in the journal": self.opened,
            "start in the journal, not ready": self.starting,
            "ready, tools just adopted": self.ready,
        }

    # --- requests --------------------------------------------------------------------------

    def uncommitted(self) -> None:
        self.again_and_again(self._is_killed_uncommitted)

    def _is_killed_uncommitted(self) -> bool:
        """Where this host stood still for longer than the daemon waits for the other writer, it
        was answered, and that it failed."""
        bench = self.bench
        key, body = bench.request("look", self.place())
        with bench.nothing_can_be_committed(), bench.asking("/v1/jobs", body, key) as exchange:
            until("the daemon has read it", lambda: not unread(exchange))
            answered = is_answered(exchange)
            bench.kill()
        assert key not in bench.journal.keys
        bench.installation.start()
        bench.insist(key, body)
        return not answered

    def unanswered(self) -> None:
        self.again_and_again(self._is_killed_unanswered)

    def _is_killed_unanswered(self) -> bool:
        bench = self.bench
        key, body = bench.request("look", self.place())
        with bench.asking("/v1/jobs", body, key) as exchange:
            self.step(lambda: key in bench.journal.read().keys)
            answered = is_answered(exchange)
            if answered:
                self.go_on()
            else:
                bench.kill()
                bench.installation.start()
        assert bench.insist(key, body) == bench.journal.keys[key]
        return not answered

    # --- before the tool works -------------------------------------------------------------

    def started(self) -> None:
        self.step_into(Window.STARTED)

    def intended(self) -> None:
        def is_reached() -> bool:
            with frozen(self.keeper()):
                return self.is_killed_in(Window.INTENDED, unless=has_order)

        self.again_and_again(is_reached)

    def asked_keeper(self) -> None:
        """The next daemon starts while the keeper still stands: it has to void the process, which
        the keeper would start late."""
        with frozen(self.keeper()):
            directory = self.bench.directory(self.until_asked())
            self.bench.die_in(Window.INTENDED)
            self.bench.installation.start()
            until("the process is void", lambda: state.look(directory) == Void())
        self.bench.kill()

    def asked_keeper_dies(self) -> None:
        keeper = self.keeper()
        with frozen(keeper):
            self.until_asked()
            self.bench.die_in(Window.INTENDED)
            kill(keeper)

    def claimed(self) -> None:
        with frozen(self.keeper()):
            directory = self.bench.directory(self.until_asked())
            os.mkfifo(directory / f"{records.PID}.new")
        until("the supervisor waits", lambda: _has_child(directory))
        self.bench.die_in(Window.CLAIMED)
        _let_record(directory)

    def untold(self) -> None:
        with frozen(self.keeper()):
            attempt = self.until_asked(ENDLESS)
            freeze(self.bench.installation.pid)
        self.bench.hold(attempt)
        self.bench.die_in(Window.AT_WORK)

    # --- while it works --------------------------------------------------------------------

    def at_work(self) -> None:
        self.until_at_work()
        self.bench.die_in(Window.AT_WORK)

    def at_work_keeper_dies(self) -> None:
        self.until_at_work()
        self.bench.die_in(Window.AT_WORK)
        for keeper in self.bench.installation.keepers():
            kill(keeper)

    def second_keeper(self) -> None:
        first = self.until_at_work("web", smoke=ENDLESS)
        for keeper in self.bench.installation.keepers():
            kill(keeper)
        self.bench.release()
        job = first.ref.job
        until("the next step is at work", lambda: self._is_next_at_work(first))
        self.bench.hold(self.bench.attempt_in(Window.AT_WORK, job))
        self.bench.die_in(Window.AT_WORK)

    def _is_next_at_work(self, first: Attempt) -> bool:
        journal = self.bench.journal.read()
        return first.ref not in journal.attempts and bool(
            journal.windows(first.ref.job)[Window.AT_WORK]
        )

    # --- its end ---------------------------------------------------------------------------

    def ended(self) -> None:
        attempt = self.until_at_work("web")
        with frozen(self.supervisor(attempt)):
            self.bench.release()
            self.bench.until(Window.ENDED, attempt.ref.job)
            self.bench.die_in(Window.ENDED)

    def on_disk(self) -> None:
        attempt = self.until_at_work("web")
        freeze(self.bench.installation.pid)
        self.bench.release()
        self.bench.until(Window.ON_DISK, attempt.ref.job)
        self.bench.die_in(Window.ON_DISK)

    def applied(self) -> None:
        """Of a step that has a cleanup, which could be lost."""
        self.step_into(Window.APPLIED, "wash")

    def cleanup(self) -> None:
        self.bench.hold(self.until_in(Window.CLEANUP, "wash", lines="1", wipe=ENDLESS))
        self.bench.die_in(Window.CLEANUP)

    def owed(self) -> None:
        bench = self.bench
        job = bench.submit("web", self.place(), lines="1", tidy=ENDLESS)
        cleanup = until("a cleanup is owed", lambda: bench.journal.read().cleanups.get(job))
        assert cleanup is not None
        bench.hold(bench.until(Window.OWED, cleanup))
        self.bench.die_in(Window.OWED)

    # --- a stop ----------------------------------------------------------------------------

    def stopping(self) -> None:
        self.again_and_again(self._is_killed_stopping)

    def _is_killed_stopping(self) -> bool:
        attempt = self.until_at_work()
        job = attempt.ref.job
        with frozen(self.supervisor(attempt)), self.bench.cancelling(job):
            self.step(lambda: self.stop_of(job))
            if self.stop_of(job) is Window.STOPPING:
                return self.has_died_in(Window.STOPPING)
            self.go_on()
        return False

    def asked(self) -> None:
        attempt = self.until_at_work()
        job = attempt.ref.job
        with frozen(self.supervisor(attempt)), self.bench.cancelling(job):
            self.bench.until(Window.ASKED, job)
            self.bench.die_in(Window.ASKED)

    def delivered(self) -> None:
        job = self.until_at_work(linger=ENDLESS).ref.job
        with self.bench.cancelling(job):
            self.bench.until(Window.DELIVERED, job)
            self.bench.die_in(Window.DELIVERED)

    # --- the daemon's own start ------------------------------------------------------------

    def opened(self) -> None:
        self.at_work()  # there is something to adopt
        self.die_while_starting(Window.OPENED)

    def starting(self) -> None:
        self.at_work()
        self.die_while_starting(Window.STARTING)

    def ready(self) -> None:
        self.at_work()
        self.bench.installation.start()
        self.bench.die_in(Window.AT_WORK)


def _has_child(directory: Path) -> bool:
    """Whether the supervisor has forked: its child waits for the tool to be recorded."""
    claim = state.read_claim(directory)
    if claim is None:
        return False
    try:
        return bool(Path(f"/proc/{claim.pid}/task/{claim.pid}/children").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return False  # it has ended


def _let_record(directory: Path) -> None:
    """Take the FIFO away from where the tool is recorded: the supervisor goes on."""
    content = (directory / f"{records.PID}.new").read_bytes()
    until("the tool is recorded", (directory / records.PID).exists)
    records.write_new(os.fspath(directory / records.PID), content)
