"""Where secrets are read: files that nobody else reads, systemd's credentials, plugins."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from orchestrator.core.language.definition import (
    CredentialSecret,
    FileSecret,
    PluginSecret,
    SecretDefinition,
)
from orchestrator.engine.secrets.secret_sources import SecretSources, SecretUnavailable
from tests import needs


class Vault:
    name = "vault"

    def __init__(self, answer: object) -> None:
        self.answer = answer

    async def read(self, settings: Mapping[str, Any]) -> str | bytes:
        if isinstance(self.answer, Exception):
            raise self.answer
        assert settings == {"path": "kv/x"}
        return self.answer  # type: ignore[return-value]  # also what is no text


def private(path: Path, content: bytes, mode: int = 0o600) -> FileSecret:
    path.write_bytes(content)
    path.chmod(mode)
    return FileSecret(str(path))


async def refused(sources: SecretSources, definition: SecretDefinition | None) -> str:
    with pytest.raises(SecretUnavailable) as problem:
        await sources.read("x", definition)
    return str(problem.value)


async def test_a_file_gives_its_text(tmp_path: Path) -> None:
    """A file gives its text without the last line end."""
    sources = SecretSources()
    for content, value in (
        (b"hunter2\n", "hunter2"),
        (b"a key\r\n", "a key"),
        (b"a\nbc\n", "a\nbc"),
    ):
        assert await sources.read("x", private(tmp_path / "f", content)) == value


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o610])
async def test_a_file_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    file = private(tmp_path / "f", b"hunter2", mode)
    said = await refused(SecretSources(), file)
    assert said == (
        f"secrets.x: {file.path} has mode {mode:04o}, so others than its owner may read or change "
        f"it: chmod 600 {file.path}"
    )


@needs.ROOT
async def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    file = private(tmp_path / "f", b"hunter2")
    os.chown(file.path, 12345, -1)
    assert "belongs to 12345" in await refused(SecretSources(), file)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"abc\n", "fewer than 4 characters"),
        (b"   \n \n", "fewer than 4 characters"),
        (b"hun\0ter2", "NUL character"),
        (b"\xff\xfehunter2", "not UTF-8"),
        (b"x" * 70000, "larger than 65536 bytes"),
    ],
)
async def test_what_can_be_no_secret(tmp_path: Path, content: bytes, said: str) -> None:
    assert said in await refused(SecretSources(), private(tmp_path / "f", content))


async def test_no_regular_file_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    said = await refused(SecretSources(), FileSecret(str(tmp_path / "pipe")))
    assert said.endswith("is no regular file")
    said = await refused(SecretSources(), FileSecret(str(tmp_path / "none")))
    assert said.endswith("none: No such file or directory")


async def test_credentials_of_the_unit(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"hunter2\n")
    (tmp_path / "token").chmod(0o440)
    sources = SecretSources(credentials=tmp_path)
    assert await sources.read("x", CredentialSecret("token")) == "hunter2"
    assert "LoadCredential=other:PATH" in await refused(sources, CredentialSecret("other"))
    said = await refused(SecretSources(), CredentialSecret("token"))
    assert "$CREDENTIALS_DIRECTORY is not set" in said


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"hunter2", None),
        ("hunter2\n", None),
        (None, "the plugin gave a NoneType"),
        (RuntimeError("sealed"), "secrets.x: plugin vault: RuntimeError: sealed"),
        ("abc", "fewer than 4"),
    ],
    ids=["bytes", "a line", "nothing", "an error", "too short"],
)
async def test_plugins_are_asked_with_their_settings(answer: object, said: str | None) -> None:
    sources = SecretSources({"vault": Vault(answer)})
    definition = PluginSecret("vault", {"path": "kv/x"})
    if said is None:
        assert await sources.read("x", definition) == "hunter2"
    else:
        assert said in await refused(sources, definition)


async def test_secrets_and_plugins_that_are_gone() -> None:
    assert "no such secret any more" in await refused(SecretSources(), None)
    assert "no installed plugin brings" in await refused(SecretSources(), PluginSecret("vault"))
