"""`submit --wait` and `--follow`: a job that is queued and then stayed with."""

from __future__ import annotations

from orchestrator.cli.client.errors import Interrupted
from orchestrator.cli.client.exits import Exit, status_of
from orchestrator.cli.client.waiting import Interrupts
from orchestrator.cli.staying.attend import Attendance, Detached
from orchestrator.cli.staying.resultfile import ResultFile
from orchestrator.cli.staying.submission import submit_job
from orchestrator.cli.view.job import job_lines
from orchestrator.cli.view.times import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from orchestrator.cli.client.daemon import Daemon
    from orchestrator.cli.client.wire import Job
    from orchestrator.cli.view.terminal import Terminal


def submit_and_stay(
    daemon: Daemon, body: dict[str, object], key: str, options: Namespace, terminal: Terminal
) -> int:
    """Queue a job and stay to its end; its exit status."""
    result = ResultFile(options.result_file)
    result.check()
    with Interrupts():
        try:
            submitted = _submit_interruptibly(daemon, body, key)
        except Interrupted:
            terminal.note("interrupted while submitting: see orchestrator jobs --mine")
            return Exit.DETACHED
        attendance = Attendance(
            daemon,
            terminal,
            on_interrupt=options.on_interrupt or "cancel",
            attend=options.on_disconnect == "cancel",
        )
        return _stay(attendance, submitted, result, options, terminal)


def _submit_interruptibly(daemon: Daemon, body: dict[str, object], key: str) -> tuple[Job, bool]:
    """The job, and whether a signal came before its number was known.

    One signal does not keep us from learning the number, so that it can be cancelled; a second
    one raises Interrupted, and nobody knows.
    """
    try:
        return submit_job(daemon, body, key), False
    except Interrupted:
        # The same key: the first request may have been taken, and this learns its number. Without
        # it the job would go on, and nobody would ask it to stop.
        return submit_job(daemon, body, key), True


def _stay(
    attendance: Attendance,
    submitted: tuple[Job, bool],
    result: ResultFile,
    options: Namespace,
    terminal: Terminal,
) -> int:
    """Wait for the end and say how it was."""
    job, interrupted = submitted
    result.write(job)
    if not terminal.as_json:
        terminal.line(str(job["id"]))
    look = attendance.follow if options.follow else attendance.wait
    try:
        ended = look(job["id"], interrupted)
    except Detached:
        return Exit.DETACHED
    result.write(ended)
    _print_ended(ended, options.follow, terminal)
    return status_of(ended, options.strict)


def _print_ended(job: Job, streamed: bool, terminal: Terminal) -> None:
    if terminal.as_json:
        (terminal.object_line if streamed else terminal.document)(job)
        return
    for line in job_lines(job, terminal, now()):
        terminal.line(line)
