"""The reference of job to job: what cannot be left out, with nothing around it.

    python -m benchmarks.bare_loop CONFIG_DIR STATE_DIR

For each line with a number it goes through that many jobs: for each three commits of the same
events and rows as the daemon's, to the same store, and between the first two one `true` by the
same keeper, waited for by its pidfd. It answers with the seconds that one took.
"""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import trio

from benchmarks.daemon import end_keeper
from benchmarks.scripted import Commit, Script
from orchestrator.engine.attempt.step import DEFAULT_MAX_LOG_BYTES
from orchestrator.process.host import ProcessHost
from orchestrator.process.spec import ProcessSpec
from orchestrator.store.protocol import Store
from orchestrator.store.sqlite import open_store

INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR")


class BareLoop:
    """Goes through jobs whose commits were made up before."""

    def __init__(self, store: Store, host: ProcessHost, directory: Path) -> None:
        self._store = store
        self._host = host
        self._directory = directory
        self._number = 0

    async def run(self, commits: list[tuple[Commit, ...]]) -> float:
        """Seconds for each job."""
        began = time.perf_counter()
        for intent, applied, cleaned in commits:
            await self._append(intent)
            await self._run_true()
            await self._append(applied)
            await self._append(cleaned)
        return (time.perf_counter() - began) / len(commits)

    async def _append(self, commit: Commit) -> None:
        await self._store.append(commit.events, commit.changes, None)

    async def _run_true(self) -> None:
        self._number += 1
        directory = self._directory / str(self._number)
        directory.mkdir(mode=0o700)
        log = str(directory / "log")
        spec = ProcessSpec(
            argv=("true",),
            env={**_inherited(), **{f"ORCHESTRATOR_FACT_{n}": "fact" for n in range(8)}},
            cwd=str(directory),
            stdout=log,
            stderr=log,
            stop_signal=15,
            max_log_bytes=DEFAULT_MAX_LOG_BYTES,
        )
        process = directory / "process"
        await self._host.start(process, spec)
        await self._host.wait(process)


def _inherited() -> dict[str, str]:
    return {name: os.environ[name] for name in INHERITED if name in os.environ}


def _lines() -> Iterator[int]:
    for line in sys.stdin:
        yield int(line)


async def main(config: Path, state_dir: Path) -> None:
    """Answer until the input ends."""
    async with open_store(state_dir) as store:
        host = ProcessHost(state_dir / "keeper")
        loop = BareLoop(store, host, state_dir)
        script = Script(config)
        await store.append(script.opening.events, script.opening.changes, None)
        for jobs in _lines():
            queued = script.submit(jobs + 1)
            await store.append(queued.events, queued.changes, None)
            print(await loop.run([script.run_first() for _ in range(jobs)]), flush=True)
        host.close()
    end_keeper(state_dir / "keeper")


if __name__ == "__main__":
    trio.run(main, Path(sys.argv[1]), Path(sys.argv[2]))
