"""`-p NAME=VALUE`, `-p NAME=@FILE` and `-p NAME=@-`, as the daemon takes them.

A value that begins with `@` is written with two: `-p package=@@scope/name`.
"""

from __future__ import annotations

import sys

from orchestrator.cli.client.errors import UsageMistake

LIMIT = 1024 * 1024
"""Bytes of one value: the daemon takes no larger request."""


def read_parameters(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """The parameters by name. `@FILE` is read whole, without one line end at its very end.

    Raises UsageMistake, which has a line for each mistake.
    """
    mistakes = []
    from_input = sum(value == "@-" for _, value in pairs)
    if from_input > 1:
        mistakes.append("only one parameter can be read from standard input (@-)")
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in values:
            mistakes.append(f"parameter {name} is given twice")
        try:
            values[name] = "" if from_input > 1 and value == "@-" else _value(name, value)
        except UsageMistake as mistake:
            mistakes.append(str(mistake))
    if mistakes:
        raise UsageMistake("\n".join(dict.fromkeys(mistakes)))
    return values


def _value(name: str, given: str) -> str:
    if is_from_file(given):
        return _content(name, given[1:])
    return _checked(name, given[1:] if given.startswith("@@") else given)


def is_from_file(given: str) -> bool:
    """Whether it names what to read, and is not the value itself."""
    return given.startswith("@") and not given.startswith("@@")


def names_from_files(pairs: list[tuple[str, str]]) -> list[str]:
    """The parameters that no command line shows: the daemon takes a secret only so."""
    return [name for name, value in pairs if is_from_file(value)]


def _checked(name: str, value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UsageMistake(f"parameter {name}: the value is not UTF-8") from None
    return value


def _content(name: str, path: str) -> str:
    try:
        if path == "-":
            data = sys.stdin.buffer.read(LIMIT + 1)
        else:
            with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs half a verb's start
                data = file.read(LIMIT + 1)
        text = data.decode()
    except OSError as error:
        raise UsageMistake(f"parameter {name}: cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageMistake(f"parameter {name}: {path} is not UTF-8 text") from error
    if len(data) > LIMIT:
        raise UsageMistake(f"parameter {name}: {path} is larger than {LIMIT} bytes")
    return text.removesuffix("\n").removesuffix("\r")
