"""`jobs`: a list, newest first."""

from __future__ import annotations

from orchestrator.cli.arguments import count, label, some_name
from orchestrator.cli.client.daemon import Daemon
from orchestrator.cli.client.exits import Exit
from orchestrator.cli.view.joblist import job_table
from orchestrator.cli.view.times import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.client.wire import Jobs
    from orchestrator.cli.view.terminal import Terminal

PHASES = ("preparing", "queued", "running", "cancelling", "finished")
PAGE = 500
"""How many are asked for at once; the daemon may give fewer, even none, and go on."""
CONCLUSIONS = (
    "success",
    "failure",
    "cancelled",
    "timed_out",
    "superseded",
    "rejected",
    "expired",
    "lost",
)


def arguments(parser: ArgumentParser) -> None:
    """What may be typed after the verb."""
    add = parser.add_argument
    add("--environment", metavar="E", type=some_name, help="only of this environment")
    add("--pipeline", metavar="P", type=some_name, help="only of this pipeline")
    add("--phase", metavar="P", choices=PHASES, help="only in this phase: " + ", ".join(PHASES))
    add("--kind", metavar="K", type=some_name, help="only of this kind")
    add("--conclusion", metavar="C", choices=CONCLUSIONS, help=", ".join(CONCLUSIONS))
    add("--mine", action="store_true", help="only those that I submitted")
    add("--label", metavar="K=V", type=label, action="append", default=[], help="with this label")
    add("-n", dest="limit", metavar="N", type=count, default=20, help="how many at most (20)")


def run(options: Namespace, terminal: Terminal) -> int:
    """Print the table."""
    page = _newest(Daemon(options.socket), options)
    if terminal.as_json:
        terminal.document(page)
        return Exit.DONE
    for line in job_table(page["jobs"], terminal, now()):
        terminal.line(line)
    if not page["jobs"]:
        terminal.note("no such jobs")
    elif page["next"] is not None and terminal.on_terminal:
        terminal.note(f"there are older ones: -n {options.limit * 2}")
    return Exit.DONE


def _newest(daemon: Daemon, options: Namespace) -> Jobs:
    """As many as were asked for, over as many pages as the daemon makes of them."""
    wanted, before = options.limit, None
    found: Jobs = {"jobs": [], "next": None}
    while wanted:
        page: Jobs = daemon.get(
            "/v1/jobs",
            environment=options.environment,
            pipeline=options.pipeline,
            phase=options.phase,
            kind=options.kind,
            conclusion=options.conclusion,
            mine=options.mine,
            label=["=".join(pair) for pair in options.label],
            limit=min(wanted, PAGE),
            before=before,
        )
        found["jobs"] += page["jobs"][:wanted]
        found["next"] = before = page["next"]
        wanted -= len(page["jobs"][:wanted])
        if before is None:
            break
    return found
