"""The settings of a `command` step."""

import re
import signal
from collections.abc import Iterator
from pathlib import PurePosixPath

import msgspec

from orchestrator.plugin import format_value, variable_name

Argument = str | int | float | bool
"""A reference that stands alone keeps its type; here it becomes text."""

_REFERENCE = re.compile(r"\$\{((params|environment|steps|matrix|job|debt)\.[A-Za-z0-9_.-]*)\}?")
_LONGEST_SCRIPT = 128 * 1024 - 1
"""Bytes: the script is one argument, and Linux bounds each at 128 KiB."""


class CommandConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Give `run` or `script`.

    `run` is a command and its arguments; no shell reads them. `script` is the text of a POSIX
    shell script, run by `sh -eu`; it reads parameters as `$ORCHESTRATOR_PARAM_<NAME>` only.
    `cwd` is a directory below the one that the step runs in. On a stop `stop_signal` is sent once
    to the command's pid, or, where `cancel` is given, that command is run once instead.
    `cleanup` is a command that is run after the step, however it ended: exit 0 says clean.
    """

    run: tuple[Argument, ...] | None = None
    script: str | None = None
    cwd: str = "."
    stop_signal: str = "SIGTERM"
    cancel: tuple[Argument, ...] | None = None
    cleanup: tuple[Argument, ...] | None = None

    def __post_init__(self) -> None:
        if problems := list(self._problems()):
            raise ValueError("; ".join(problems))

    def _problems(self) -> Iterator[str]:
        if (self.run is None) == (self.script is None):
            yield "give either `run` or `script`"
        for name in ("run", "cancel", "cleanup"):
            if getattr(self, name) == ():
                yield f"`{name}` is empty: it is a list of a command and its arguments"
        if self.script is not None:
            yield from _script_problems(self.script)
        if PurePosixPath(self.cwd).is_absolute() or ".." in PurePosixPath(self.cwd).parts:
            yield "`cwd` is a directory below the step's: neither absolute nor with `..`"
        if "${" not in self.stop_signal:
            yield from _signal_problems(self.stop_signal)

    def argv(self, name: str) -> list[str]:
        """The command and arguments of the process that `apply` runs. `name` is the script's $0."""
        if self.script is not None:
            return ["sh", "-eu", "-c", "--", self.script, name]
        assert self.run is not None
        return texts(self.run)


def texts(arguments: tuple[Argument, ...]) -> list[str]:
    """Arguments as a process gets them: `true` and `false`, numbers in decimal."""
    return [format_value(argument) for argument in arguments]


def signal_number(name: str) -> int:
    """The number of `SIGTERM` or `TERM`. Raises KeyError for what is no signal."""
    return signal.Signals[name if name.startswith("SIG") else f"SIG{name}"]


def _signal_problems(name: str) -> Iterator[str]:
    try:
        number = signal_number(name)
    except KeyError:
        yield f"`stop_signal`: {name!r} is no signal; usual are SIGTERM and SIGINT"
        return
    if number in (signal.SIGKILL, signal.SIGSTOP):
        yield f"`stop_signal`: {name} asks for nothing; killing is what a force does"


def _script_problems(script: str) -> Iterator[str]:
    if not script.strip():
        yield "`script` is empty"
    if len(script.encode(errors="replace")) > _LONGEST_SCRIPT:
        yield "`script` is longer than 128 KiB: put it into a file and `run` that"
    for found in _REFERENCE.finditer(script):
        root, _, name = found[1].partition(".")
        instead = "give it to the script by the step's `env`"
        if root == "params":
            instead = f'read "${variable_name(name)}"'
        yield f"`script`: {found[0]} is not put into scripts, where a shell would run it; {instead}"
