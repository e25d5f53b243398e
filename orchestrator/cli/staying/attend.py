"""Staying with a job that we submitted: until it ends, or until a signal says otherwise."""

from __future__ import annotations

from orchestrator.cli.client.errors import Interrupted, Refused
from orchestrator.cli.staying.follow import Follower, LogChoice
from orchestrator.cli.staying.progress import ProgressReport
from orchestrator.cli.staying.watch import watch_to_end
from orchestrator.cli.view.escapes import harmless
from orchestrator.cli.view.job import force_hints
from orchestrator.cli.view.times import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.cli.client.daemon import Daemon
    from orchestrator.cli.client.wire import Job
    from orchestrator.cli.view.terminal import Terminal


class Detached(Exception):
    """We stopped looking; the job goes on. The message was printed already."""


class Attendance:
    """Waits for the end of a job, with what Ctrl-C and SIGTERM mean meanwhile.

    To be used within `Interrupts`, or signals do as usual.
    `on_interrupt` is `cancel` (ask the job to stop, go on waiting; the second one detaches) or
    `detach`. With `attend`, the daemon is told that the job may depend on our staying.
    """

    def __init__(
        self, daemon: Daemon, terminal: Terminal, on_interrupt: str = "cancel", attend: bool = False
    ) -> None:
        self._daemon = daemon
        self._terminal = terminal
        self._on_interrupt = on_interrupt
        self._attend = attend

    def wait(self, job: int, interrupted: bool = False) -> Job:
        """The finished job; what happens meanwhile is reported.

        `interrupted` says that a signal came before. Raises Detached.
        """
        report = ProgressReport(self._terminal)
        return self._to_end(
            job, lambda: watch_to_end(self._daemon, job, report, self._attend), interrupted
        )

    def follow(self, job: int, interrupted: bool = False) -> Job:
        """The same, and the job's logs are printed meanwhile."""
        follower = Follower(self._daemon, job, self._terminal, LogChoice(), self._attend)
        return self._to_end(job, follower.run, interrupted)

    def _to_end(self, job: int, look: Callable[[], Job], interrupted: bool) -> Job:
        try:
            if not interrupted:
                return look()
        except Interrupted:
            pass
        if self._on_interrupt == "detach":
            raise self._detached(job, "")
        try:
            # Within the `try`: the second signal may come while the daemon is still being asked,
            # and `Interrupted` would end us as a fault of our own.
            self._cancel(job)
            return look()
        except Interrupted:
            raise self._detached(job, "it was asked to stop; ") from None

    def _cancel(self, job: int) -> None:
        """Ask for a graceful stop, or say who may and detach."""
        self._terminal.note(f"asking job {job} to stop; again to stop looking")
        try:
            stopping = self._daemon.returning(
                lambda: self._daemon.post(
                    f"/v1/jobs/{job}/cancel", {"reason": "interrupted in orchestrator submit"}
                )
            )
        except Refused as refused:
            if refused.status == 409:  # it has just finished
                return
            if refused.status != 403:
                raise
            raise self._detached(job, f"{refused}{_holders(refused)}; ") from None
        for hint in force_hints(stopping, now()):
            self._terminal.note(hint)

    def _detached(self, job: int, why: str) -> Detached:
        self._terminal.note(
            f"{harmless(why)}job {job} goes on. Look again: orchestrator wait {job}, "
            f"orchestrator log {job} -f"
        )
        return Detached()


def _holders(refused: Refused) -> str:
    """Who may stop it, where the daemon says so and its sentence does not."""
    holders = [str(holder) for holder in refused.problem.get("holders") or ()]
    unsaid = [holder for holder in holders if holder not in str(refused)]
    return f"; it may be stopped by {', '.join(unsaid)}" if unsaid else ""
