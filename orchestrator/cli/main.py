"""The command `orchestrator`: finds the verb, runs it, and says what went wrong in one line."""

from __future__ import annotations

import importlib
import sys

from orchestrator.cli.catalogue import ALIASES, SYNOPSIS, module_of
from orchestrator.cli.client.errors import CommandError, NotBuiltYet, UsageMistake
from orchestrator.cli.client.exits import Exit
from orchestrator.cli.view.terminal import Terminal, mute, standard_terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

BARE_OPTIONS = ("--json", "--no-color")
"""Global options without a value; `--socket` is the one that has one."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit status. No traceback reaches the user."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    terminal = standard_terminal("--no-color" in words, as_json=False)
    try:
        return int(_run(words, terminal))
    except CommandError as error:
        terminal.error(str(error))
        return error.exit
    except KeyboardInterrupt as interrupt:
        if interrupt.args:
            terminal.error(str(interrupt))
        return _die_of_interrupt(terminal)
    except OSError as error:
        return _system_refused(error, terminal)
    except Exception as error:
        return _our_mistake(error, terminal)


def _run(words: list[str], terminal: Terminal) -> int:
    before, verb, after = split_at_verb(words)
    if verb is None:
        return _without_verb(before, terminal)
    name = ALIASES.get(verb, verb)
    if name not in SYNOPSIS:
        raise _unknown(verb)
    from orchestrator.cli.arguments import parser_of

    options = parser_of(name).parse_args(before + after)
    return run_verb(name, options, terminal)


def run_verb(name: str, options: Namespace, terminal: Terminal) -> int:
    """Run a verb whose arguments are known."""
    terminal.as_json = getattr(options, "json", False)
    terminal.live = terminal.live and not terminal.as_json
    options.socket_given = options.socket is not None
    if not options.socket_given:
        from orchestrator.cli.client.sockets import default_socket

        options.socket = default_socket()
    status: int = importlib.import_module(module_of(name)).run(options, terminal)
    return status


def split_at_verb(words: list[str]) -> tuple[list[str], str | None, list[str]]:
    """Global options, the verb, and the rest. Options of a verb go after it."""
    at = 0
    while at < len(words) and words[at].startswith("-") and words[at] != "--":
        option = words[at]
        if option in ("-h", "--help", "--version"):
            return [option], None, []
        if option not in BARE_OPTIONS and option.partition("=")[0] != "--socket":
            raise UsageMistake(
                f"{option}: options of a verb go after it: orchestrator VERB {option}"
            )
        at += 2 if option == "--socket" else 1
    return words[:at], words[at] if at < len(words) else None, words[at + 1 :]


def _without_verb(before: list[str], terminal: Terminal) -> Exit:
    if before == ["--version"]:
        terminal.line(f"orchestrator {version()}")
        return Exit.DONE
    if before in (["-h"], ["--help"]):
        terminal.line(_overview())
        return Exit.DONE
    raise UsageMistake("say what to do: orchestrator VERB, see orchestrator --help")


def version() -> str:
    """The installed version, looked up when asked: it costs more than a verb."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("deploy-orchestrator")
    except PackageNotFoundError:
        return "(not installed)"


def _overview() -> str:
    lines = ["usage: orchestrator [--socket PATH] [--json] [--no-color] VERB …", ""]
    lines += [f"  {verb:<14}{what}" for verb, what in SYNOPSIS.items()]
    return "\n".join([*lines, "", "orchestrator VERB --help says more."])


def _unknown(verb: str) -> UsageMistake:
    from difflib import get_close_matches

    from orchestrator.core.language import planned

    if verb in planned.VERBS:
        return NotBuiltYet(f"{verb}: not built yet")
    known = [*SYNOPSIS, *ALIASES, *planned.VERBS]
    near = get_close_matches(verb, known, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "see orchestrator --help"
    return UsageMistake(f"{verb}: no such verb; {hint}")


def _die_of_interrupt(terminal: Terminal) -> int:
    """End as a process that Ctrl-C ended, so that a shell's loop around us ends too."""
    import os
    import signal

    terminal.clear_progress()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
    return 130


def _system_refused(error: OSError, terminal: Terminal) -> int:
    if isinstance(error, BrokenPipeError):
        mute(sys.stdout)
        return Exit.DONE
    where = f"{error.filename}: " if error.filename else ""
    terminal.error(f"{where}{error.strerror or error}")
    return Exit.INTERNAL


def _our_mistake(error: Exception, terminal: Terminal) -> int:
    """One line with the place in our code, which is what a report of the fault needs."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    frame = trace.tb_frame.f_code if trace else None
    place = f"{frame.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace and frame else "?"
    terminal.error(
        f"a fault of the command line itself, at {place}: {type(error).__name__}: {error}; "
        "please report this line with what you typed"
    )
    return Exit.INTERNAL


if __name__ == "__main__":
    sys.exit(main())
