"""`output`: the values that a step gave."""

from __future__ import annotations

import json

from orchestrator.cli.arguments import job_id, some_name
from orchestrator.cli.client.daemon import Daemon
from orchestrator.cli.client.errors import NothingFound
from orchestrator.cli.client.exits import Exit
from orchestrator.cli.verbs.log import named_step
from orchestrator.cli.view.escapes import harmless
from orchestrator.cli.view.logtext import harmless_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.client.wire import Job
    from orchestrator.cli.view.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """What may be typed after the verb."""
    parser.add_argument("job", metavar="JOB", type=job_id)
    parser.add_argument("step", metavar="STEP", type=some_name)
    parser.add_argument(
        "name", metavar="NAME", type=some_name, nargs="?", help="only the value of this one"
    )


def run(options: Namespace, terminal: Terminal) -> int:
    """Print `NAME=value` lines, or the bare value of one: a string as it is, all else as JSON."""
    job: Job = Daemon(options.socket).get(f"/v1/jobs/{options.job}")
    outputs = named_step(job, options.step)["outputs"]
    if options.name is None:
        _print_all(outputs, terminal)
        return Exit.DONE
    if options.name not in outputs:
        names = ", ".join(outputs) or "none"
        raise NothingFound(
            f"step {options.step} of job {options.job} has no output {options.name}; it has {names}"
        )
    value = outputs[options.name]
    if terminal.as_json:
        terminal.document(value)
        return Exit.DONE
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    terminal.line(harmless_lines(text, colour=False) if terminal.on_terminal else text)
    return Exit.DONE


def _print_all(outputs: dict[str, object], terminal: Terminal) -> None:
    if terminal.as_json:
        terminal.document(outputs)
        return
    for name, value in outputs.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        terminal.line(harmless(f"{name}={text}"))
