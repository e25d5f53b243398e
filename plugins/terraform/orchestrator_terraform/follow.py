"""Running terraform with `-json` and showing, while it runs, what it says."""

import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread

from orchestrator.plugin import Exit, Step
from orchestrator_terraform import lock_keeping
from orchestrator_terraform.commands import Layout
from orchestrator_terraform.events import Event, Tally, parse, shown
from orchestrator_terraform.settings import TerraformSettings
from orchestrator_terraform.workspace import has_remote_lock

INTERVAL = 0.25
"""Seconds between two looks at a growing output."""

LEARN_TRIES = 5
LEARN_PAUSE = 1.0
"""Seconds in which a terraform that had already released its lock would have said its summary."""

CHUNK = 1 << 20
"""Bytes that are read at once; a longer line is taken in pieces."""

_DIGITS = 20


async def run_followed(
    step: Step[TerraformSettings], at: Layout, key: str, argv: list[str]
) -> tuple[Exit, Tally]:
    """Run (or adopt) terraform; its events go to the step's log and its progress."""
    at.started(key).touch(mode=0o600)
    following = Following(step, at, key)
    failure: Exception | None = None
    async with anyio.create_task_group() as group:
        group.start_soon(_harmlessly, step, following.forever)
        if has_remote_lock(at):
            group.start_soon(_harmlessly, step, partial(_learn_lock, step, at, following))
        try:
            ended = await step.run(key, argv, env=at.environment(), separate_stdout=True)
        except Exception as error:  # a group would wrap what the daemon must see as it is
            failure = error
        group.cancel_scope.cancel()
    await following.catch_up(whole=True)
    if failure is not None:
        raise failure
    return ended, following.tally


async def _harmlessly(
    step: Step[TerraformSettings], watching: Callable[[], Awaitable[None]]
) -> None:
    """Whatever goes wrong with watching must not end what is watched."""
    try:
        await watching()
    except Exception as error:
        step.warn(f"what terraform does can't be followed any more: {error!r}")


async def _learn_lock(step: Step[TerraformSettings], at: Layout, following: "Following") -> None:
    """Claim the lock that the running process holds, so that its ID proves it ours later.

    Its output shows that it took the lock; a look then names the lock's ID; and since it has not
    said a second later that it is done, it had not let go of that lock when we looked.
    """
    await following.lock_taken.wait()
    for _ in range(LEARN_TRIES):
        lock_id = await lock_keeping.held_id(step, at)
        await anyio.sleep(LEARN_PAUSE)
        await following.catch_up()
        if following.tally.ended:
            return
        if lock_id is not None:
            await lock_keeping.claim(step, lock_id)
            return


class Following:
    """Reads the growing output of one process from its beginning.

    All is counted; only what no earlier entry of this attempt has shown goes to the log. How far
    that is stands in a file that is written after each line: a daemon killed between the two
    writes shows that one line twice, and never loses one.
    """

    def __init__(self, step: Step[TerraformSettings], at: Layout, key: str) -> None:
        self.tally = Tally()
        self.lock_taken = anyio.Event()
        self._step = step
        self._key = key
        self._started_file = at.started(key)
        self._shown_file = at.shown(key)
        self._shown = _read_number(self._shown_file)
        self._read = 0
        self._reading = anyio.Lock()

    async def forever(self) -> None:
        """Keep up with it until cancelled."""
        while True:
            await self.catch_up()
            await anyio.sleep(INTERVAL)

    async def catch_up(self, *, whole: bool = False) -> None:
        """Take what is new in complete lines; with `whole` a last line without an end too."""
        async with self._reading:
            path = self._step.output_of(self._key)
            if path is None:
                return
            if not self._read:
                self._started_file.write_text(str(path))
            while lines := await anyio.to_thread.run_sync(_lines_from, path, self._read, whole):
                for line in lines:
                    event = parse(line)
                    self._read += len(line)
                    self.tally.add(event)
                    if self._read > self._shown:
                        self._show(event)
                self._progress(event)
                if self.tally.holds_lock:
                    self.lock_taken.set()

    def _show(self, event: Event | str) -> None:
        if text := shown(event):
            self._step.log(text)
        self._shown = self._read
        _write_number(self._shown_file, self._shown)

    def _progress(self, latest: Event | str) -> None:
        text = shown(latest).partition("\n")[0]
        self._step.progress(self.tally.done, self.tally.planned or None, text)


def _lines_from(path: Path, offset: int, whole: bool) -> list[bytes]:
    with suppress(FileNotFoundError), path.open("rb") as file:
        file.seek(offset)
        content = file.read(CHUNK)
        end = content.rfind(b"\n") + 1
        if whole or (end == 0 and len(content) == CHUNK):
            end = end or len(content)
        return content[:end].splitlines(keepends=True)
    return []


def _read_number(path: Path) -> int:
    try:
        return int(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return 0


def _write_number(path: Path, number: int) -> None:
    """In place and of fixed width, so that a kill leaves the old number or the new one."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(fd, str(number).rjust(_DIGITS).encode(), 0)
    finally:
        os.close(fd)
