"""An adapter whose tools wait at gates, in whichever phase the file `waits_in` names."""

from pathlib import Path

from orchestrator.plugin import CLEAN, Adapter, Cleanliness, Exit, Result, Step
from tests.engine.engine_bench import Nothing, python

TOOL = """
import os, signal, sys
root, phase = sys.argv[1:]
def stop(number, frame):
    open(f'{root}/signals', 'a').write(f'{phase} {number}\\n')
    sys.exit(1)
signal.signal(signal.SIGTERM, stop)
open(f'{root}/pids', 'a').write(f'{phase} {os.getpid()}\\n')
if open(f'{root}/waits_in').read() == phase:
    open(f'{root}/begun', 'w').close()
    open(f'{root}/gate').read()
"""


class Waiting(Adapter[Nothing]):
    """Each phase is one tool."""

    name = "waiting"
    config_type = Nothing

    def __init__(self, root: Path) -> None:
        self._root = root

    async def acquire(self, step: Step[Nothing]) -> None:
        await self._run(step, "acquire")

    async def apply(self, step: Step[Nothing]) -> Result:
        return Result.of(await self._run(step, "apply"))

    async def cleanup(self, step: Step[Nothing]) -> Cleanliness:
        ended = await self._run(step, "cleanup")
        return CLEAN if ended.ok else Cleanliness("the cleanup failed")

    async def _run(self, step: Step[Nothing], phase: str) -> Exit:
        argv = python(TOOL, self._root, phase)
        return await step.run("tool", argv, stop_signal=15)
