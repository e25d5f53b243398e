"""Adapters with one mistake each, as authors make them. All drive a command."""

import os
import signal
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path

import anyio

from orchestrator.builtin.command import CommandAdapter
from orchestrator.builtin.command_config import CommandConfig
from orchestrator.plugin import CLEAN, Cleanliness, Problem, Result, Step, StopRequested, Traits


def output_of(step: Step[CommandConfig]) -> dict[str, str]:
    """What the tools of the material write their outputs to."""
    return {"ORCHESTRATOR_OUTPUT": str(step.scratch / "output")}


class StartsByItself(CommandAdapter):
    """Its process belongs to the daemon, and is started again by the next one."""

    async def apply(self, step: Step[CommandConfig]) -> Result:
        argv = step.config.argv(step.name)
        done = await anyio.run_process(
            argv,
            cwd=step.workdir,
            env={**step.base_env, **output_of(step)},
            check=False,
            stdout=subprocess.DEVNULL,
        )
        return Result(exit=done.returncode)


class NewKeyEachTime(CommandAdapter):
    """Its process is another one whenever apply is entered."""

    async def apply(self, step: Step[CommandConfig]) -> Result:
        argv = step.config.argv(step.name)
        ended = await step.run(
            uuid.uuid4().hex, argv, env=output_of(step), stop_signal=signal.SIGTERM
        )
        return Result.of(ended)


class CleansUpOnce(CommandAdapter):
    """Its cleanup removes a file and does not expect that the file may be gone."""

    async def apply(self, step: Step[CommandConfig]) -> Result:
        (step.scratch / "lock").touch()
        return await super().apply(step)

    async def cleanup(self, step: Step[CommandConfig]) -> Cleanliness:
        (step.scratch / "lock").unlink()
        return await super().cleanup(step)


class Deaf(CommandAdapter):
    """A stop does nothing."""

    async def cancel(self, step: Step[CommandConfig]) -> None:
        pass


class AlwaysGlad(CommandAdapter):
    """It says success whatever happened."""

    async def apply(self, step: Step[CommandConfig]) -> Result:
        await super().apply(step)
        return Result(ok=True, stopped=False)


class SwallowsStops(CommandAdapter):
    """A stop that came before its process is a success to it."""

    async def apply(self, step: Step[CommandConfig]) -> Result:
        try:
            return await super().apply(step)
        except StopRequested:
            return Result(ok=True, stopped=False)


class SignalsByItself(CommandAdapter):
    """It kills by pid, so every daemon sends a signal of its own."""

    async def apply(self, step: Step[CommandConfig]) -> Result:
        argv = ["sh", "-c", 'echo $$ > pid; exec "$@"', "sh", *step.config.argv(step.name)]
        return Result.of(await step.run("run", argv, env=output_of(step), stop_signal=None))

    async def cancel(self, step: Step[CommandConfig]) -> None:
        os.kill(int((step.workdir / "pid").read_text()), signal.SIGTERM)


class LeavesChildren(CommandAdapter):
    """Its tool leaves a process behind, and its cleanup does not look."""

    async def apply(self, step: Step[CommandConfig]) -> Result:
        argv = ["sh", "-c", 'sleep 1000 & "$@"', "sh", *step.config.argv(step.name)]
        return Result.of(
            await step.run("run", argv, env=output_of(step), stop_signal=signal.SIGTERM)
        )

    async def cleanup(self, step: Step[CommandConfig]) -> Cleanliness:
        return CLEAN


class RemembersInMemory(CommandAdapter):
    """What it must know later it keeps in an attribute."""

    async def acquire(self, step: Step[CommandConfig]) -> None:
        self.url = "https://example.org"

    async def apply(self, step: Step[CommandConfig]) -> Result:
        await super().apply(step)
        return Result(exit=0, outputs={"url": self.url})


class ReadsReferences(CommandAdapter):
    """It looks a file up that may be a reference still."""

    def traits(self, config: CommandConfig) -> Traits:
        for argument in config.run or ():
            if "/" in str(argument) or str(argument).startswith("$"):
                Path(str(argument)).read_bytes()
        return Traits()


class TriesInCheck(CommandAdapter):
    """Its check does the work."""

    async def check(self, step: Step[CommandConfig]) -> Sequence[Problem]:
        await step.probe(step.config.argv(step.name))
        return ()


class LogsAgain(CommandAdapter):
    """Whoever reads the log sees every restart of the daemon."""

    async def apply(self, step: Step[CommandConfig]) -> Result:
        result = await super().apply(step)
        step.log("line two" if step.recall("apply", "run") is not None else "line one")
        return result
