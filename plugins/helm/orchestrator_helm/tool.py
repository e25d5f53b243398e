"""helm for one attempt: its files, its variables, its version, and asking it things."""

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import msgspec

from orchestrator.plugin import AdapterError, Completed, Secret, Step
from orchestrator_helm.commands import Commands, Layout
from orchestrator_helm.release import History, one_line, read_history
from orchestrator_helm.settings import HelmSettings

ASK_TIMEOUT = 30.0
TRIES = 3
PAUSE = 1.0
"""Seconds between two tries where the API server does not answer."""
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


class Helm:
    """What every phase works with. Made by `open_helm`."""

    def __init__(self, step: Step[HelmSettings], version: tuple[int, ...]) -> None:
        self.step = step
        self.settings = step.config
        self.at = layout(step)
        self.commands = Commands(step.config, self.at, version)
        self.env = environment(step)

    async def ask(self, argv: Sequence[str], timeout: float = ASK_TIMEOUT) -> Completed:
        """Run something that changes nothing."""
        return await self.step.probe(argv, env=self.env, timeout=timeout)

    async def history(self) -> History:
        """The release now. Raises AdapterError where the cluster does not say."""
        return read_history(await self.ask(self.commands.history()))

    async def settled_history(self) -> History:
        """The same, outlasting an API server that hiccups."""
        for _ in range(TRIES - 1):
            try:
                return await self.history()
            except AdapterError:
                await anyio.sleep(PAUSE)
        return await self.history()


def layout(step: Step[HelmSettings]) -> Layout:
    """Where this attempt's files are."""
    own = step.scratch
    return Layout(
        workdir=step.workdir,
        values=own / "values.json",
        kubeconfig=own / "kubeconfig",
        repositories=own / "repositories.json",
        registry=own / "registry.json",
        touched=own / "touched",
        began=own / "began.json",
        rendering=own / "rendering.json",
        explained=own / "explained",
        plan=own / "plan.txt",
        cache=step.shared / "cache",
        version=own / "version.json",
    )


def environment(step: Step[HelmSettings]) -> dict[str, str]:
    """What helm and kubectl get beside the step's own variables."""
    at = layout(step)
    variables = {"HELM_CACHE_HOME": str(at.cache)}
    match step.config.kubeconfig:
        case Secret():
            variables["KUBECONFIG"] = str(at.kubeconfig)
        case str(path):
            variables["KUBECONFIG"] = str(at.in_workdir(path))
    return variables


async def open_helm(step: Step[HelmSettings]) -> Helm:
    """Write the files that helm needs and find out its version. Can be repeated.

    Raises AdapterError where there is no helm, or one that is too old to be understood.
    """
    await anyio.to_thread.run_sync(write_files, layout(step), step.config)
    return Helm(step, await version_of(step))


async def version_of(step: Step[HelmSettings]) -> tuple[int, ...]:
    """Of the `binary`: (3, 17, 3). It is asked once in an attempt. Raises AdapterError."""
    it = await anyio.to_thread.run_sync(_program, step)
    known = await anyio.to_thread.run_sync(_known, layout(step).version)
    if known is not None and known.program == it:
        return known.version
    version = await _asked_version(step)
    noted = msgspec.json.encode(_Known(it, version))
    await anyio.to_thread.run_sync(write_private, layout(step).version, noted)
    return version


class _Known(msgspec.Struct, frozen=True):
    program: tuple[str, int, int]
    version: tuple[int, ...]


def _program(step: Step[HelmSettings]) -> tuple[str, int, int]:
    """Which file `binary` is, and when and with which size it was put there."""
    binary = step.config.binary
    path = shutil.which(binary, path=step.base_env.get("PATH")) or binary
    try:
        status = Path(path).stat()
    except OSError:
        return (path, 0, 0)
    return (path, status.st_mtime_ns, status.st_size)


def _known(file: Path) -> _Known | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=_Known)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


async def _asked_version(step: Step[HelmSettings]) -> tuple[int, ...]:
    binary = step.config.binary
    done = await step.probe([binary, "version", "--short"])
    found = _VERSION.search(done.stdout)
    if found is None:
        said = one_line(done.stderr or done.stdout)
        raise AdapterError(f"{binary} version does not tell a version: {said}")
    return tuple(map(int, found.groups()))


def write_files(at: Layout, settings: HelmSettings) -> None:
    """What must not stand on a command line, in files of mode 0600."""
    if settings.values:
        write_private(at.values, msgspec.json.encode(revealed(settings.values)))
    if isinstance(settings.kubeconfig, Secret):
        write_private(at.kubeconfig, settings.kubeconfig.reveal().encode())


def revealed(value: Any) -> Any:
    """The value with its secrets in the clear."""
    match value:
        case Secret():
            return value.reveal()
        case dict():
            return {key: revealed(inner) for key, inner in value.items()}
        case list() | tuple():
            return [revealed(inner) for inner in value]
        case _:
            return value


def write_private(path: Path, content: bytes) -> None:
    """Write what may hold secrets, whole or not at all: mode 0600 from the first byte on."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    draft.replace(path)


def tidy(at: Layout) -> None:
    """Remove what may hold secrets."""
    for file in (at.values, at.kubeconfig, at.repositories, at.registry):
        file.unlink(missing_ok=True)
