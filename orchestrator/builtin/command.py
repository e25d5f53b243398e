"""The `command` adapter: runs a command or a shell script. Comes with the orchestrator."""

import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

from anyio import to_thread

from orchestrator.builtin.command_config import CommandConfig, signal_number, texts
from orchestrator.builtin.command_output import MOST_BYTES, OutputFile, parse_outputs
from orchestrator.plugin import (
    CLEAN,
    Adapter,
    AdapterError,
    Cleanliness,
    Problem,
    Result,
    Severity,
    Step,
    Traits,
    hookimpl,
)

OUTPUT_VARIABLE = "ORCHESTRATOR_OUTPUT"
OUTPUT_FILE = "output"
RUN_KEY = "run"
CANCEL_KEY = "cancel"
CLEANUP_KEY = "cleanup"
_GRACE = 60.0


class CommandAdapter(Adapter[CommandConfig]):
    """`uses = "command"`: one process, its exit code, and the outputs that it leaves."""

    name = "command"
    config_type = CommandConfig

    def traits(self, config: CommandConfig) -> Traits:
        """Nothing is known of a command: it may change the environment, and only its author can
        say what to look at. Its check only warns of a missing command, which a run names as well: a
        phase of its own would cost a commit."""
        verifies = config.cleanup is not None
        return Traits(
            touches=None, takes_slot=True, grace=_GRACE, checked_first=False, verifies=verifies
        )

    async def check(self, step: Step[CommandConfig]) -> Sequence[Problem]:
        """Whether the commands are on the PATH. Relative paths may be made by an earlier step."""
        wanted = {"run": step.config.argv(step.name)[0]}
        if step.config.cancel is not None:
            wanted["cancel"] = texts(step.config.cancel)[0]
        if step.config.cleanup is not None:
            wanted["cleanup"] = texts(step.config.cleanup)[0]
        path = step.base_env.get("PATH")
        return [
            Problem(setting, f"command not found on PATH: {command}", Severity.WARNING)
            for setting, command in wanted.items()
            if not any(sign in command for sign in ("/", "${"))
            and shutil.which(command, path=path) is None
        ]

    async def apply(self, step: Step[CommandConfig]) -> Result:
        """Run it to its end; collect outputs, also those of a failure."""
        outputs = step.scratch / OUTPUT_FILE
        await to_thread.run_sync(lambda: outputs.touch(mode=0o600))
        ended = await step.run(
            RUN_KEY,
            step.config.argv(step.name),
            env={OUTPUT_VARIABLE: str(outputs)},
            cwd=working_directory(step),
            stop_signal=signal_number(step.config.stop_signal),
        )
        found = await to_thread.run_sync(_read_outputs, outputs)
        for problem in found.problems:
            step.log(problem)
        return Result.of(ended, summary=found.summary, outputs=found.outputs)

    async def cancel(self, step: Step[CommandConfig]) -> None:
        """The signal, or the step's own command, and the signal after all if that fails."""
        if step.config.cancel is not None:
            argv = texts(step.config.cancel)
            cwd = working_directory(step)
            ended = await step.run(CANCEL_KEY, argv, cwd=cwd, stop_signal=None)
            if ended.ok:
                return
            step.warn(
                f"cancel = {shlex.join(argv)} failed ({_how(ended.code, ended.signal)}); "
                f"{step.config.stop_signal} is sent instead"
            )
        await step.interrupt()

    async def cleanup(self, step: Step[CommandConfig]) -> Cleanliness:
        """The step's own command where it has one, then an end to whatever is left running."""
        found = CLEAN
        if step.config.cleanup is not None:
            found = await _clean_by_command(step, texts(step.config.cleanup))
        await step.sweep()
        outputs = step.scratch / OUTPUT_FILE
        await to_thread.run_sync(lambda: outputs.unlink(missing_ok=True))  # it may hold secrets
        return found


async def _clean_by_command(step: Step[CommandConfig], argv: list[str]) -> Cleanliness:
    header = f"cleanup: {shlex.join(argv)}"
    if step.output_of(CLEANUP_KEY) is None:
        step.log(header)
    cwd = working_directory(step)
    ended = await step.run(CLEANUP_KEY, argv, cwd=cwd, stop_signal=None)
    if ended.ok:
        return CLEAN
    said = await to_thread.run_sync(_last_line, Path(ended.stdout))
    found = f"{shlex.join(argv)} failed ({_how(ended.code, ended.signal)})"
    if said and said != header:
        found += f": {said}"
    return Cleanliness(found, (f"cd {shlex.quote(str(cwd))} && {shlex.join(argv)}",))


def working_directory(step: Step[CommandConfig]) -> Path:
    """The directory that `cwd` names. Raises AdapterError if it is none below the step's own."""
    root = step.workdir.resolve()
    path = (root / step.config.cwd).resolve()
    if not path.is_relative_to(root):
        raise AdapterError(f"cwd = {step.config.cwd!r} leads out of {root} by a symbolic link")
    if not path.is_dir():
        raise AdapterError(f"cwd = {step.config.cwd!r}: there is no such directory in {root}")
    return path


def _how(code: int | None, signal: str | None) -> str:
    return f"exit {code}" if signal is None else signal


def _read_outputs(path: Path) -> OutputFile:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        return OutputFile({}, (f"${OUTPUT_VARIABLE} could not be read: {error.strerror}",))
    if len(content) > MOST_BYTES:
        return OutputFile({}, (f"${OUTPUT_VARIABLE} is larger than 1 MiB: no outputs were set",))
    return parse_outputs(content.decode(errors="replace"))


def _last_line(log: Path) -> str:
    """The last line with something in it, without control characters, at most 200 long."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 8192))
        lines = file.read().decode(errors="replace").splitlines()
    spoken = [line for line in lines if line.strip()]
    if not spoken:
        return ""
    return "".join(c for c in spoken[-1] if c.isprintable()).strip()[:200]


@hookimpl
def orchestrator_adapters() -> Sequence[CommandAdapter]:
    """What every installation has."""
    return [CommandAdapter()]
