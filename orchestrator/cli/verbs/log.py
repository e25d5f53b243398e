"""`log`: what a job's steps wrote."""

from __future__ import annotations

from orchestrator.cli.arguments import count, job_id, position, some_name
from orchestrator.cli.client.connection import ANSWER_SECONDS
from orchestrator.cli.client.daemon import Daemon
from orchestrator.cli.client.errors import NotBuiltYet, NothingFound, Refused, UsageMistake
from orchestrator.cli.client.exits import Exit
from orchestrator.cli.staying.follow import Follower, LogChoice, LogPrinter, did_not_run, log_path
from orchestrator.cli.view.logtext import LineDecoder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.client.wire import Job, Step
    from orchestrator.cli.view.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """What may be typed after the verb."""
    add = parser.add_argument
    add("job", metavar="JOB", type=job_id)
    add("step", metavar="STEP", type=some_name, nargs="?", help="only of this step")
    add("-f", "--follow", action="store_true", help="go on as it is written")
    add("--tail", metavar="N", type=position, help="only the last N lines")
    add("--attempt", metavar="N", type=count, help="of this attempt (the last one)")
    add("--timestamps", action="store_true", help="not built yet")


def run(options: Namespace, terminal: Terminal) -> int:
    """Print it, or follow it to the end."""
    if options.timestamps:
        raise NotBuiltYet("log --timestamps: not built yet")
    if options.attempt and not options.step:
        raise UsageMistake("--attempt needs a STEP")
    daemon = Daemon(options.socket)
    job: Job = daemon.get(f"/v1/jobs/{options.job}")
    steps = _chosen(job, options.step)
    if not options.follow:
        _print_all(daemon, job, steps, options, terminal)
        return Exit.DONE
    choice = LogChoice(options.step, options.attempt, options.tail)
    try:
        Follower(daemon, options.job, terminal, choice).run(until_reader_goes=True)
    except KeyboardInterrupt:
        return Exit.DETACHED
    return Exit.DONE


def _chosen(job: Job, name: str | None) -> list[Step]:
    """The steps that were meant. Raises NothingFound, with near names, for a name that is none."""
    if name is None:
        return [step for step in job["steps"] if step["started_at"] or did_not_run(step)]
    return [named_step(job, name)]


def named_step(job: Job, name: str) -> Step:
    """The step of that name. Raises NothingFound, with the names that there are."""
    for step in job["steps"]:
        if step["name"] == name:
            return step
    names = ", ".join(step["name"] for step in job["steps"]) or "none yet"
    raise NothingFound(f"job {job['id']} has no step {name}; its steps: {names}")


def _print_all(
    daemon: Daemon, job: Job, steps: list[Step], options: Namespace, terminal: Terminal
) -> None:
    printer = LogPrinter(terminal, titles=options.step is None)
    for step in steps:
        if did_not_run(step) and not options.step:
            printer.print_why_not_run(step)
            continue
        try:
            _print_one(daemon, job, step, options, printer)
        except Refused as refused:
            if refused.status != 404 or options.step:
                raise
        if terminal.reader_gone:
            return


def _print_one(
    daemon: Daemon, job: Job, step: Step, options: Namespace, printer: LogPrinter
) -> None:
    attempt = options.attempt or step["attempt"]
    decoder = LineDecoder()
    path = log_path(job["id"], step["name"])
    with daemon.stream(path, attempt=attempt, tail=options.tail) as exchange:
        while not exchange.finished:
            piece = exchange.receive(ANSWER_SECONDS)
            printer.print(step["name"], attempt, decoder.feed(piece))
    printer.print(step["name"], attempt, decoder.end())
