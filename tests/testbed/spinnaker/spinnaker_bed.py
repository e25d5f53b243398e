"""The real Orca engine with redis, for tests. See README.md beside this file.

Several processes may use one bed (`shared`); it ends by itself when the last of them has, however
it ended. `spinnaker_gate.Gate` stands in front of it, one for each test.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.testbed.common import bed_life
from tests.testbed.common.bed_life import BedError, Hold

__all__ = ["COMPLETE", "Bed", "BedError", "Execution", "PrivateBed"]

HERE = Path(__file__).parent
GUARDIAN = HERE / "spinnaker_guardian.py"
PATIENCE_SECONDS = 120.0
"""How long a test waits for something that should happen in a moment."""
LOOK_SECONDS = 0.05
UNACKNOWLEDGED = "orca.task.queue.unacked"
"""What Orca took out of its queue and has not done with, by when it is given out again."""
EXPIRE = """for _, message in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  redis.call('ZADD', KEYS[1], 0, message)
end"""
COMPLETE = frozenset({"SUCCEEDED", "FAILED_CONTINUE", "SKIPPED", "TERMINAL", "CANCELED", "STOPPED"})
"""The statuses in which nothing happens any more."""

Execution = dict[str, Any]
"""An execution as Orca describes it."""


class Bed:
    """One Orca that runs, as seen by one process that uses it: straight, not through a front."""

    def __init__(self, hold: Hold) -> None:
        self.pids = hold.pids
        """Of `redis`, `orca` and `guardian`."""
        self._port: int | None = hold.told["orca"]
        self._client = httpx.Client(trust_env=False, timeout=30)

    @property
    def orca(self) -> str | None:
        """The URL of Orca; None while it is stopped."""
        return f"http://127.0.0.1:{self._port}" if self._port else None

    def executions(self, application: str) -> list[Execution]:
        """All of an application's, the newest first."""
        found: list[Execution] = self._get(f"/applications/{application}/pipelines")
        return found

    def execution(self, id: str) -> Execution:
        """One, by its id."""
        found: Execution = self._get(f"/pipelines/{id}")
        return found

    def wait_for(
        self, id: str, wanted: Callable[[Execution], bool], timeout: float = PATIENCE_SECONDS
    ) -> Execution:
        """Block until an execution is as `wanted`, and return it.

        Raises:
            BedError: it was not within `timeout` seconds; the message says what was seen.
        """
        deadline = time.monotonic() + timeout
        seen: list[str] = []
        while time.monotonic() < deadline:
            execution = self.execution(id)
            if wanted(execution):
                return execution
            if (now := describe(execution)) not in seen[-1:]:
                seen.append(now)
            time.sleep(LOOK_SECONDS)
        raise BedError(f"{id} was not as wanted within {timeout:g} s:\n" + "\n".join(seen))

    def wait_until_status(
        self, id: str, *statuses: str, timeout: float = PATIENCE_SECONDS
    ) -> Execution:
        """Block until an execution has one of these statuses, and return it.

        Raises:
            BedError: it had not within `timeout` seconds; the message says what was seen.
        """
        return self.wait_for(id, lambda one: one["status"] in statuses, timeout)

    def wait_until_complete(self, id: str, timeout: float = PATIENCE_SECONDS) -> Execution:
        """Block until nothing of an execution runs any more, and return it.

        Raises:
            BedError: something did after `timeout` seconds; the message says what was seen.
        """
        return self.wait_until_status(id, *COMPLETE, timeout=timeout)

    def wait_until_stage(
        self, id: str, stage: str, *statuses: str, timeout: float = PATIENCE_SECONDS
    ) -> Execution:
        """Block until the stage of this name has one of these statuses; the whole execution.

        Raises:
            BedError: it had not within `timeout` seconds; the message says what was seen.
        """
        return self.wait_for(id, lambda one: stage_of(one, stage)["status"] in statuses, timeout)

    def release(self, id: str, stage: str) -> None:
        """Let a `verdict` stage end that holds, or resists a cancel."""
        found = stage_of(self.execution(id), stage)
        self._client.put(f"{self.orca}/releases/{found['id']}").raise_for_status()

    def end(self, application: str) -> None:
        """Cancel what is live of an application's, however it resists."""
        if self.orca is None:
            return
        for execution in self.executions(application):
            if execution["status"] not in COMPLETE:
                self._end(execution)

    def _end(self, execution: Execution) -> None:
        """`verdict` stages first: those that resist a cancel keep one of Orca's threads."""
        for stage in execution["stages"]:
            if stage["type"] == "verdict":
                self._client.put(f"{self.orca}/releases/{stage['id']}").raise_for_status()
        self._client.put(f"{self.orca}/pipelines/{execution['id']}/cancel").raise_for_status()

    def close(self) -> None:
        """Use it no more."""
        self._client.close()

    def _get(self, path: str) -> Any:
        return self._client.get(f"{self.orca}{path}").raise_for_status().json()


class PrivateBed(Bed):
    """A bed of one test, which may stop its Orca."""

    def __init__(self, life: "_PrivateLife") -> None:
        super().__init__(life.start_orca())
        self._life = life

    def freeze(self) -> None:
        """Orca accepts connections and answers nothing, until `thaw`."""
        os.kill(self.pids["orca"], signal.SIGSTOP)

    def thaw(self) -> None:
        """Orca goes on where it was."""
        os.kill(self.pids["orca"], signal.SIGCONT)

    def stop_orca(self) -> None:
        """Kill Orca. What it knows stays in redis."""
        self._port = None
        self._life.stop_orca()

    def start_orca(self) -> None:
        """Start Orca again, on the same redis. What it had in hand when it was stopped is due.

        Else that of a task would be for ten minutes (`RunTask.ackTimeoutMs`, Orca 8.56.0).
        """
        self._life.expire_unacknowledged()
        hold = self._life.start_orca()
        self._port = hold.told["orca"]
        self.pids = hold.pids


@dataclass
class _PrivateLife:
    """A redis for the whole of a test, and an Orca that comes and goes; a guardian for each."""

    directory: Path
    programs: Path
    redis: int
    orca: contextlib.ExitStack
    starts: int = 0

    def start_orca(self) -> Hold:
        self.starts += 1
        place = self.directory / f"orca-{self.starts}"
        command = (GUARDIAN, self.programs, str(self.redis))
        return self.orca.enter_context(bed_life.private(place, command))

    def stop_orca(self) -> None:
        self.orca.close()

    def expire_unacknowledged(self) -> None:
        command = ("redis-cli", "-p", str(self.redis), "eval", EXPIRE, "1", UNACKNOWLEDGED)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def shared(programs: Path, directory: Path) -> Iterator[Bed]:
    """The bed below a directory, which all processes that name it use together.

    Raises:
        BedError: it could not be started; the message has the end of the log that says why.
    """
    with (
        bed_life.shared(directory, (GUARDIAN, programs)) as hold,
        contextlib.closing(Bed(hold)) as bed,
    ):
        yield bed


@contextlib.contextmanager
def private(programs: Path, directory: Path) -> Iterator[PrivateBed]:
    """A bed of its own below a new directory, ended for certain at the end of the block.

    Raises:
        BedError: it could not be started; the message has the end of the log that says why.
    """
    directory.mkdir()
    with (
        bed_life.private(directory / "redis", (GUARDIAN, "redis")) as redis,
        contextlib.ExitStack() as orca,
    ):
        life = _PrivateLife(directory, programs, redis.told["redis"], orca)
        with contextlib.closing(PrivateBed(life)) as bed:
            yield bed


def stage_of(execution: Execution, name: str) -> dict[str, Any]:
    """The stage of this name.

    Raises:
        BedError: there is none.
    """
    for stage in execution["stages"]:
        if stage["name"] == name:
            found: dict[str, Any] = stage
            return found
    raise BedError(f"no stage {name!r} in {describe(execution)}")


def describe(execution: Execution) -> str:
    """An execution and its stages in one line, for messages."""
    stages = ", ".join(f"{stage['name']} {stage['status']}" for stage in execution["stages"])
    canceled = " canceled" if execution.get("canceled") else ""
    return f"{execution['name']} {execution['status']}{canceled} ({stages})"
