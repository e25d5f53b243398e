"""`unknown`: runs that the journal does not know, and what an admin says of them."""

from __future__ import annotations

from orchestrator.cli.arguments import job_id, some_text
from orchestrator.cli.client.daemon import Daemon
from orchestrator.cli.client.errors import UsageMistake
from orchestrator.cli.client.exits import Exit
from orchestrator.cli.view.times import now
from orchestrator.cli.view.unknown import unknown_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.client.wire import UnknownRuns
    from orchestrator.cli.view.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """What may be typed after the verb."""
    parser.add_argument("job", metavar="JOB", type=job_id, nargs="?")
    verdict = parser.add_mutually_exclusive_group()
    verdict.add_argument(
        "--dead", action="store_true", help="nothing of it lives: set it aside (admin)"
    )
    verdict.add_argument(
        "--wait", action="store_true", help="set it aside when nothing of it lives (admin)"
    )
    parser.add_argument(
        "--reason", metavar="T", type=some_text, help="why you know; kept in the journal"
    )


def run(options: Namespace, terminal: Terminal) -> int:
    """List them, or say what one of them is; then what is left is listed."""
    daemon = Daemon(options.socket)
    judges = options.dead or options.wait
    if not judges and (options.job is not None or options.reason):
        raise UsageMistake("say what it is: unknown JOB --dead|--wait --reason T; or list them all")
    if judges and (options.job is None or not options.reason):
        raise UsageMistake("unknown JOB --dead|--wait needs the number and --reason T")
    found: UnknownRuns
    if judges:
        verdict = "wait" if options.wait else "dead"
        said = {"verdict": verdict, "reason": options.reason}
        found = daemon.post(f"/v1/unknown/{options.job}", said)
    else:
        found = daemon.get("/v1/unknown")
    if terminal.as_json:
        terminal.document(found)
        return Exit.DONE
    for line in unknown_lines(found["runs"], now()):
        terminal.line(line)
    if not found["runs"]:
        terminal.note("the journal knows every run")
    return Exit.DONE
