"""Making a directory ready for one attempt: its files, `init`, its workspace."""

import fcntl
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import msgspec

from orchestrator.plugin import AdapterError, Completed, Secret, Step
from orchestrator_terraform import commands
from orchestrator_terraform.commands import Layout
from orchestrator_terraform.events import plain
from orchestrator_terraform.lock import one_line
from orchestrator_terraform.settings import TerraformSettings, seconds

CACHE_POLL = 0.2
"""Seconds between two tries to get the plugin cache."""

PROBE_TIMEOUT = 120.0
"""Seconds that a short command (show, output, workspace select) may take."""


def layout(step: Step[TerraformSettings]) -> Layout:
    """Where this attempt's files are. Plan files and data belong to the attempt alone."""
    return Layout(
        binary=step.config.binary,
        dir=(step.workdir / step.config.dir).resolve(),
        data=step.scratch / "data",
        plan=step.scratch / "plan",
        readable=step.scratch / "plan.txt",
        variables=step.scratch / "variables.tfvars.json",
        backend=step.scratch / "backend.json",
        ready=step.scratch / "ready",
        plugin_cache=step.shared / "plugins",
    )


async def prepare(step: Step[TerraformSettings], at: Layout) -> None:
    """Write the generated files, run `init` and select the workspace. Can be repeated."""
    await anyio.to_thread.run_sync(_write_files, at, step.config)
    async with _plugin_cache(at.plugin_cache):
        done = await step.probe(
            commands.init(at, step.config),
            env=at.environment(),
            timeout=seconds(step.config.init_timeout),
        )
    step.log(plain(done.stdout + done.stderr).strip())
    _demand(done, f"terraform init failed in {at.dir}")
    if step.config.workspace is not None and step.config.action.uses_state:
        done = await short(step, at, commands.select_workspace(at, step.config.workspace))
        _demand(done, f'the workspace "{step.config.workspace}" could not be selected')
    at.ready.touch(mode=0o600)


def _write_files(at: Layout, settings: TerraformSettings) -> None:
    at.plugin_cache.mkdir(mode=0o700, exist_ok=True)
    write_private(at.variables, msgspec.json.encode(_revealed(settings.vars)))
    write_private(at.backend, msgspec.json.encode(settings.backend_config))
    _drop_half_written(at.data / "terraform.tfstate")


def _revealed(value: Any) -> Any:
    """The value with secrets as terraform reads them, for a file that only we can read."""
    match value:
        case Secret():
            return value.reveal()
        case dict():
            return {key: _revealed(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_revealed(inner) for inner in value]
        case _:
            return value


def _drop_half_written(pointer: Path) -> None:
    """An `init` that was killed may leave half of it, which fails every later command."""
    try:
        msgspec.json.decode(pointer.read_bytes())
    except FileNotFoundError:
        return
    except msgspec.DecodeError:
        pointer.unlink()


def write_private(path: Path, content: bytes) -> None:
    """Write what may hold secrets: mode 0600 from the first byte on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _demand(done: Completed, failure: str) -> None:
    if done.code != 0:
        raise AdapterError(f"{failure}: {one_line(plain(done.stderr or done.stdout))}")


async def short(step: Step[TerraformSettings], at: Layout, argv: list[str]) -> Completed:
    """Run a command that changes nothing and takes no time."""
    return await step.probe(argv, env=at.environment(), timeout=PROBE_TIMEOUT)


@asynccontextmanager
async def _plugin_cache(directory: Path) -> AsyncIterator[None]:
    """One `init` at a time: terraform's plugin cache is not safe for two writers."""
    fd = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not _try_lock(fd):  # noqa: ASYNC110  the holder may be another process
            await anyio.sleep(CACHE_POLL)
        yield
    finally:
        os.close(fd)


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def tidy(at: Layout, *, keep_plan: bool) -> None:
    """Remove what a finished attempt no longer needs: copies of providers, values, the plan."""
    for directory in (at.data / "providers", at.data / "modules"):
        shutil.rmtree(directory, ignore_errors=True)
    for file in (at.variables, at.backend, *([] if keep_plan else [at.plan])):
        file.unlink(missing_ok=True)


def has_remote_lock(at: Layout) -> bool:
    """Whether the state's lock can outlive the process that took it.

    The local backend's is a file lock of the kernel: it goes with its process.
    """
    try:
        pointer = msgspec.json.decode((at.data / "terraform.tfstate").read_bytes(), type=_Pointer)
    except (OSError, msgspec.MsgspecError):
        return False
    return pointer.backend is not None and pointer.backend.type != "local"


class _Backend(msgspec.Struct, frozen=True):
    type: str


class _Pointer(msgspec.Struct, frozen=True):
    """What `init` writes into the data directory: which backend the state is in."""

    backend: _Backend | None = None
