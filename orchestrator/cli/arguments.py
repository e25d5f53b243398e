"""The command line's grammar: what all verbs share, and kinds of arguments."""

from __future__ import annotations

import argparse
import importlib
import os

from orchestrator.cli.catalogue import SYNOPSIS, WITHOUT_JSON, module_of
from orchestrator.cli.client.errors import UsageMistake

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


class HelpFormatter(argparse.HelpFormatter):
    """Asks the system for the width: argparse would import shutil, with all its compressions."""

    def __init__(self, prog: str) -> None:
        try:
            columns = int(os.environ.get("COLUMNS") or os.get_terminal_size().columns)
        except (OSError, ValueError):
            columns = 80
        super().__init__(prog, width=max(columns - 2, 20))


class VerbParser(argparse.ArgumentParser):
    """Reports what is wrong as UsageMistake, and never guesses at abbreviations."""

    def __init__(self, verb: str, description: str) -> None:
        super().__init__(
            prog=f"orchestrator {verb}",
            description=description,
            formatter_class=HelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """Called by argparse for every mistake."""
        raise UsageMistake(f"{message}\n{self.format_usage().strip()}")


def parser_of(verb: str) -> VerbParser:
    """The parser of one verb, with the options that every verb has."""
    parser = VerbParser(verb, SYNOPSIS[verb])
    add_arguments(verb, parser)
    return parser


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Give a parser the arguments of a verb."""
    importlib.import_module(module_of(verb)).arguments(parser)
    add_global_options(parser, with_json=verb not in WITHOUT_JSON)


def add_global_options(parser: argparse.ArgumentParser, with_json: bool) -> None:
    """The options that may stand before or after any verb."""
    parser.add_argument("--socket", metavar="PATH", help="where the daemon listens")
    parser.add_argument("--no-color", action="store_true", help="no colour (as NO_COLOR does)")
    if with_json:
        parser.add_argument("--json", action="store_true", help="print JSON")


def some_name(text: str) -> str:
    """What something is called. An empty one would address another path, or nothing at all."""
    if not text.strip():
        raise argparse.ArgumentTypeError("a name is needed, and this is none: it is empty")
    return text


def job_id(text: str) -> int:
    """A job's number; `#118` is one too."""
    digits = text.removeprefix("#")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 19):
        raise argparse.ArgumentTypeError(f"{text!r} is not a job's number, such as 118")
    return int(digits)


def recheck_id(text: str) -> tuple[str, int]:
    """An environment, which may have slashes, and the number of a recheck: `staging/recheck-2`."""
    environment, _, number = text.rpartition("/recheck-")
    if not environment:
        raise argparse.ArgumentTypeError(f"{text!r} is no recheck, such as staging/recheck-2")
    return environment, job_id(number)


def job_or_recheck(text: str) -> int | tuple[str, int]:
    """What can be asked to stop."""
    return recheck_id(text) if "/" in text else job_id(text)


def count(text: str) -> int:
    """A positive number."""
    if not (text.isascii() and text.isdecimal() and int(text[:18]) > 0 and len(text) < 19):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def position(text: str) -> int:
    """A number from 0 on."""
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 on")
    return int(text)


def duration(text: str) -> float:
    """Seconds of `90`, `90s`, `5m`, `2h`, `1d`, `1h30m`."""
    seconds, digits = 0.0, ""
    for character in text:
        if character in "0123456789.":
            digits += character
        elif character in _UNITS and _is_number(digits):
            seconds, digits = seconds + float(digits) * _UNITS[character], ""
        else:
            break
    else:
        if not digits and text:
            return seconds
        if _is_number(text):
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a duration, such as 30s, 5m or 1h30m")


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _is_number(text: str) -> bool:
    whole, _, fraction = text.partition(".")
    return whole.isdecimal() and (not fraction or fraction.isdecimal())


def label(text: str) -> tuple[str, str]:
    """`NAME=VALUE`."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name, value


def key(text: str) -> str:
    """An idempotency key: what fits into a header."""
    if not (text.isascii() and text.isprintable() and text.strip() and len(text) <= 200):
        raise argparse.ArgumentTypeError("a key is 1 to 200 printable ASCII characters")
    return text.strip()


def some_text(text: str) -> str:
    """A text that says something."""
    if not text.strip():
        raise argparse.ArgumentTypeError("it must say something")
    return text
