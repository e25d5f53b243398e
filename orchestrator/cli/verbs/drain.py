"""`drain`: admit no more jobs, and wait for those that run, if asked."""

from __future__ import annotations

import time

from orchestrator.cli.client.daemon import Daemon
from orchestrator.cli.client.exits import Exit
from orchestrator.cli.verbs.status import print_status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.client.wire import Status
    from orchestrator.cli.view.terminal import Terminal


LOOK_AGAIN = 0.5
"""Seconds from one status to the next while only a recheck is at work: nothing tells of its end."""


def arguments(parser: ArgumentParser) -> None:
    """What may be typed after the verb."""
    parser.add_argument("--wait", action="store_true", help="stay until nothing runs")
    parser.add_argument("--cancel", action="store_true", help="ask what runs to stop")
    parser.add_argument("--reason", metavar="T", help="why, for whoever looks")


def run(options: Namespace, terminal: Terminal) -> int:
    """Drain, and print the status: at once, or when nothing runs any more."""
    daemon = Daemon(options.socket)
    status: Status = daemon.post(
        "/v1/daemon/drain", {"cancel": options.cancel, "reason": options.reason}
    )
    try:
        if options.wait:
            status = _when_idle(daemon, status, terminal)
    except KeyboardInterrupt:
        terminal.note("the drain stays in force; end it: orchestrator resume")
        return Exit.DETACHED
    print_status(status, terminal)
    return Exit.DONE


def _when_idle(daemon: Daemon, status: Status, terminal: Terminal) -> Status:
    """The status when nothing runs: an owed cleanup may start while we wait for another job.

    A job that prepares and has nothing at work stays as it is until the drain ends.
    """
    from orchestrator.cli.staying.progress import ProgressReport
    from orchestrator.cli.staying.watch import watch_to_end
    from orchestrator.cli.view.steps import is_at_work

    report = ProgressReport(terminal)
    while status["running"] or _looks(status) or any(map(is_at_work, status["preparing"])):
        if not status["running"] and _looks(status):
            time.sleep(LOOK_AGAIN)
        for job in filter(is_at_work, status["preparing"]):
            watch_to_end(daemon, job["id"], report, enough=lambda seen: not is_at_work(seen))
        for job in status["running"]:
            watch_to_end(daemon, job["id"], report)
        status = daemon.returning(lambda: daemon.get("/v1/status"))
    return status


def _looks(status: Status) -> bool:
    """Whether something that was left behind is being looked at: that may act as a cleanup may."""
    quarantines = [environment["quarantine"] for environment in status["quarantines"]]
    rechecks = [quarantine["recheck"] for quarantine in quarantines if quarantine]
    return any(recheck["started"] for recheck in rechecks if recheck)
