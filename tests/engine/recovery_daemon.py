"""A daemon to be killed, run as a script: STATE_ROOT. It serves until then, and says `ready`."""

import sys
from pathlib import Path

import trio

from orchestrator.core.language import commands as cmd
from tests.engine.engine_bench import ROOT, Bench, pipeline, step
from tests.engine.recovery_adapter import Waiting

WEB = pipeline("web", (step("go", "waiting"),), force_after=0)


async def main(root: Path, cancel_by: str) -> None:
    """Submit one job, unless there is one; cancel it when a line comes in."""
    bench = Bench(root, [Waiting(root)])
    async with bench.serving(WEB) as engine:
        job = 1
        async with engine.reading() as world:
            known = world.next_job > 1
        if not known:
            job = await bench.submit()
        print("ready", flush=True)
        async for _ in trio.lowlevel.FdStream(0):
            request = cmd.Cancel(ROOT, job, reason="no")
            await engine.cancel(request)
            print(cancel_by, flush=True)
        await trio.sleep_forever()


if __name__ == "__main__":
    trio.run(main, Path(sys.argv[1]), "cancelled")
