"""`submit`: queue a job, and stay with it if that was asked for."""

from __future__ import annotations

from orchestrator.cli.arguments import job_id, key, label, some_name
from orchestrator.cli.client.daemon import Daemon
from orchestrator.cli.client.errors import UsageMistake
from orchestrator.cli.client.exits import Exit
from orchestrator.cli.parameters import names_from_files, read_parameters
from orchestrator.cli.staying.submission import own_key, print_queued, submit_job
from orchestrator.cli.view.times import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.view.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """What may be typed after the verb."""
    add = parser.add_argument
    add("pipeline", metavar="PIPELINE", type=some_name)
    add("environment", metavar="ENVIRONMENT", type=some_name)
    add(
        "-p",
        dest="params",
        metavar="NAME=VALUE",
        type=label,
        action="append",
        default=[],
        help="a parameter; NAME=@FILE reads a file, NAME=@- standard input (for secrets)",
    )
    add("--reason", metavar="T", help="why, for whoever looks")
    add("--priority", metavar="N", type=int, default=0, help="higher goes first (0)")
    add("--key", metavar="K", type=key, help="a repeat with this key returns the same job")
    add("--label", metavar="K=V", type=label, action="append", default=[], help="for `jobs`")
    add("--url", metavar="U", help="where this came from, such as a CI's build")
    add(
        "--pays",
        metavar="JOB",
        type=job_id,
        help="this run pays what that job owes, although it is not the run that is owed (admins)",
    )
    add("--dry-run", action="store_true", help="only show the steps and what it would wait for")
    staying = parser.add_mutually_exclusive_group()
    staying.add_argument("--wait", action="store_true", help="stay until the job has finished")
    staying.add_argument("--follow", action="store_true", help="the same, and print its logs")
    add("--strict", action="store_true", help="exit 10 on warnings, 11 when halted")
    add("--on-interrupt", choices=("cancel", "detach"), help="what Ctrl-C does (cancel)")
    add(
        "--on-disconnect",
        choices=("keep", "cancel"),
        help="what becomes of the job when this command dies (keep)",
    )
    add("--result-file", metavar="FILE", help="write how it ended as NAME=value lines")


def run(options: Namespace, terminal: Terminal) -> int:
    """Queue the job, or show what would be queued."""
    _check(options)
    daemon = Daemon(options.socket)
    body = _body(options)
    if options.dry_run:
        return _dry_run(daemon, body, terminal)
    its_key = options.key or own_key()
    if options.wait or options.follow:
        from orchestrator.cli.staying.stay import submit_and_stay

        return submit_and_stay(daemon, body, its_key, options, terminal)
    print_queued(submit_job(daemon, body, its_key), terminal)
    return Exit.DONE


def _check(options: Namespace) -> None:
    """Refuse what makes no sense together."""
    staying = options.wait or options.follow
    if options.dry_run and staying:
        raise UsageMistake("--dry-run queues nothing, so there is nothing to stay with")
    needing = {
        "--on-disconnect cancel": options.on_disconnect == "cancel",
        "--on-interrupt": options.on_interrupt,
        "--result-file": options.result_file,
        "--strict": options.strict,
    }
    for option, given in needing.items():
        if given and not staying:
            raise UsageMistake(f"{option} needs --wait or --follow")
    names = [name for name, _ in options.label]
    for name in names:
        if names.count(name) > 1:
            raise UsageMistake(f"label {name} is given twice")


def _body(options: Namespace) -> dict[str, object]:
    return {
        "pipeline": options.pipeline,
        "environment": options.environment,
        "params": read_parameters(options.params),
        "from_file": names_from_files(options.params),
        "reason": options.reason,
        "priority": options.priority,
        "labels": dict(options.label),
        "url": options.url,
        "dry_run": options.dry_run,
        "on_disconnect": options.on_disconnect or "keep",
        "pays": options.pays,
    }


def _dry_run(daemon: Daemon, body: dict[str, object], terminal: Terminal) -> Exit:
    from orchestrator.cli.view.dryrun import dry_run_lines

    plan = daemon.returning(lambda: daemon.post("/v1/jobs", body))
    if terminal.as_json:
        terminal.document(plan)
        return Exit.DONE
    for line in dry_run_lines(plan, terminal, now()):
        terminal.line(line)
    return Exit.DONE
