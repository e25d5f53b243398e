"""Reads secrets where orchestrator.toml says: files, systemd credentials, plugins."""

import os
import pwd
import stat
from collections.abc import Mapping
from pathlib import Path

import trio

from orchestrator.core.language.definition import (
    CredentialSecret,
    FileSecret,
    PluginSecret,
    SecretDefinition,
)
from orchestrator.engine.secrets.masking import SHORTEST
from orchestrator.plugin import SecretSource
from orchestrator.process.threads import in_thread

LARGEST = 65536
"""Bytes. A value becomes one variable, and Linux bounds each at 128 KiB."""
PATIENCE = 60.0
"""Seconds that a plugin may take."""


class SecretUnavailable(Exception):
    """A secret can't be read or can't be used; the message says which, why, and what to do."""


class SecretSources:
    """`plugins` by name; `credentials` is systemd's directory, None where the daemon has none."""

    def __init__(
        self,
        plugins: Mapping[str, SecretSource] | None = None,
        credentials: Path | None = None,
    ) -> None:
        self._plugins = plugins or {}
        self._credentials = credentials

    async def read(self, name: str, definition: SecretDefinition | None) -> str:
        """The value of the secret `name` now. Raises SecretUnavailable."""
        where = f"secrets.{name}"
        raw: object
        match definition:
            case None:
                raise SecretUnavailable(
                    f"{where}: orchestrator.toml has no such secret any more; add [{where}]"
                )
            case FileSecret(path):
                raw = await in_thread(_read_file, where, Path(path))
            case CredentialSecret(credential):
                raw = await in_thread(_read_credential, where, self._credentials, credential)
            case PluginSecret():
                raw = await self._ask(where, definition)
        return usable(where, raw)

    async def _ask(self, where: str, definition: PluginSecret) -> object:
        plugin = self._plugins.get(definition.plugin)
        if plugin is None:
            raise SecretUnavailable(
                f"{where}: no installed plugin brings secrets by the name {definition.plugin!r}; "
                "see: orchestrator plugins"
            )
        said = f"{where}: plugin {definition.plugin}"
        with trio.move_on_after(PATIENCE):
            try:
                return await plugin.read(definition.settings)
            except Exception as error:
                raise SecretUnavailable(f"{said}: {type(error).__name__}: {error}") from error
        raise SecretUnavailable(f"{said} did not answer within {PATIENCE:g} s")


def usable(where: str, raw: object) -> str:
    """The value as text, without the line end at its very end. Raises SecretUnavailable."""
    if not isinstance(raw, str | bytes):
        raise SecretUnavailable(f"{where}: the plugin gave a {type(raw).__name__}, no text")
    try:
        text = raw if isinstance(raw, str) else raw.decode()
        size = len(text.encode())
    except UnicodeError:
        raise SecretUnavailable(f"{where}: it is not UTF-8 text; encode it (base64)") from None
    value = text.removesuffix("\n").removesuffix("\r")
    if fault := fault_of(value, size):
        raise SecretUnavailable(f"{where}: {fault}")
    return value


def fault_of(value: str, size: int) -> str:
    """Why a value can't be a secret, without a word of it; empty if it can."""
    if size > LARGEST:
        return f"it is larger than {LARGEST} bytes, which no variable can hold"
    if "\0" in value:
        return "it holds a NUL character, which no tool can be given; encode it (base64)"
    if len(value.strip()) < SHORTEST:
        return (
            f"it has fewer than {SHORTEST} characters: hiding so short a value would make logs "
            "unreadable and still tell it; use a longer one"
        )
    return ""


def _read_file(where: str, path: Path) -> bytes:
    """The content of a file that only root or we can read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise SecretUnavailable(f"{where}: {path}: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise SecretUnavailable(f"{where}: {path} is no regular file")
        _demand_private(where, path, found)
        return file.read(LARGEST + 2)


def _demand_private(where: str, path: Path, found: os.stat_result) -> None:
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        raise SecretUnavailable(
            f"{where}: {path} has mode {mode:04o}, so others than its owner may read or change "
            f"it: chmod 600 {path}"
        )
    us = os.geteuid()
    if found.st_uid not in (0, us):
        raise SecretUnavailable(
            f"{where}: {path} belongs to {_user(found.st_uid)}, who can change it; it must belong "
            f"to root or to {_user(us)}, whose daemon this is: chown {_user(us)} {path}"
        )


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _read_credential(where: str, directory: Path | None, name: str) -> bytes:
    """What systemd put there; that nobody else can read it is systemd's care."""
    if directory is None:
        raise SecretUnavailable(
            f"{where}: the daemon was started without credentials ($CREDENTIALS_DIRECTORY is not "
            f"set); its unit needs LoadCredential={name}:PATH"
        )
    try:
        with (directory / name).open("rb") as file:
            return file.read(LARGEST + 2)
    except OSError as error:
        raise SecretUnavailable(
            f"{where}: credential {name}: {error.strerror}; the daemon's unit needs "
            f"LoadCredential={name}:PATH"
        ) from error
