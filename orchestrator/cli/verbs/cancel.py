"""`cancel`: ask jobs and rechecks to stop, and force them where that is allowed."""

from __future__ import annotations

from orchestrator.cli.arguments import job_or_recheck, recheck_id, some_name
from orchestrator.cli.client.daemon import Daemon
from orchestrator.cli.client.errors import Refused, UsageMistake
from orchestrator.cli.client.exits import Exit, status_of, worst
from orchestrator.cli.verbs.environment import environment_path, print_environment
from orchestrator.cli.view.cancel import cancel_lines
from orchestrator.cli.view.times import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.client.wire import Environment, Job, Recheck
    from orchestrator.cli.view.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """What may be typed after the verb."""
    add = parser.add_argument
    add("asked", metavar="JOB", type=job_or_recheck, nargs="*", help="or a recheck: ENV/recheck-N")
    add(
        "--environment",
        metavar="E",
        type=some_name,
        help="every job that is open in this environment",
    )
    add("--reason", metavar="T", help="why, for whoever looks")
    add("--wait", action="store_true", help="stay until they have finished")
    add("--force", action="store_true", help="end them when the cool-off is over (admin)")


def run(options: Namespace, terminal: Terminal) -> int:
    """Ask each of them; with --wait, stay."""
    if bool(options.asked) == (options.environment is not None):
        raise UsageMistake("say which: JOB… or --environment E, and not both")
    rechecks = [asked for asked in dict.fromkeys(options.asked) if not isinstance(asked, int)]
    if rechecks and options.wait:
        raise UsageMistake("--wait is for jobs; a recheck is over when `environment` shows none")
    daemon = Daemon(options.socket)
    refused = [_stop_recheck(daemon, recheck, options, terminal) for recheck in rechecks]
    jobs = [asked for asked in dict.fromkeys(options.asked) if isinstance(asked, int)]
    if options.environment is not None:
        jobs, recheck = _open_in(daemon, options.environment)
        if recheck is not None:
            refused.append(_stop_recheck(daemon, recheck_id(recheck["id"]), options, terminal))
        elif not jobs:
            terminal.note("nothing is open there")
    statuses, asked = _ask_each(daemon, jobs, options, terminal)
    if options.wait:
        statuses += _wait_each(daemon, asked, terminal)
    return worst([*refused, *statuses])


def _stop_recheck(
    daemon: Daemon, recheck: tuple[str, int], options: Namespace, terminal: Terminal
) -> Exit:
    environment, number = recheck
    action = "force-cancel" if options.force else "cancel"
    path = f"{environment_path(environment)}/{action}-recheck"
    body = {"number": number, "reason": options.reason}
    try:
        print_environment(daemon.post(path, body), terminal)
    except Refused as refused:
        terminal.error(str(refused))
        return refused.exit
    return Exit.DONE


def _open_in(daemon: Daemon, name: str) -> tuple[list[int], Recheck | None]:
    environment: Environment = daemon.get(environment_path(name))
    waiting = [*environment["preparing"], *environment["queued"]]  # these must not start meanwhile
    quarantine = environment["quarantine"]
    return [*waiting, *environment["running"]], quarantine["recheck"] if quarantine else None


def _ask_each(
    daemon: Daemon, jobs: list[int], options: Namespace, terminal: Terminal
) -> tuple[list[Exit], list[int]]:
    """The statuses of those that were refused, and the jobs that were asked."""
    action = "force-cancel" if options.force else "cancel"
    refused_with: list[Exit] = []
    asked: list[int] = []
    for job in jobs:
        try:
            answer: Job = daemon.returning(
                lambda job=job: daemon.post(  # type: ignore[misc]
                    f"/v1/jobs/{job}/{action}", {"reason": options.reason}
                )
            )
        except Refused as refused:
            terminal.error(str(refused))
            refused_with.append(refused.exit)
            continue
        asked.append(job)
        if not (terminal.as_json and options.wait):
            _print(answer, terminal)
    return refused_with, asked


def _print(job: Job, terminal: Terminal) -> None:
    if terminal.as_json:
        terminal.object_line(job)
        return
    for line in cancel_lines(job, terminal, now()):
        terminal.line(line)


def _wait_each(daemon: Daemon, jobs: list[int], terminal: Terminal) -> list[Exit]:
    """Each job's status; one that ended as it was asked to is done."""
    from orchestrator.cli.staying.progress import ProgressReport
    from orchestrator.cli.staying.watch import watch_to_end

    statuses: list[Exit] = []
    try:
        for job in jobs:
            ended = watch_to_end(daemon, job, ProgressReport(terminal))
            _print(ended, terminal)
            status = status_of(ended)
            statuses.append(Exit.DONE if status is Exit.CANCELLED else status)
    except KeyboardInterrupt:
        terminal.note("they were asked to stop, and go on until they have")
        return [Exit.DETACHED]
    return statuses
