"""A small adapter, and directories written from text."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from orchestrator.config import Mistake, read
from orchestrator.config.mistake import ConfigurationInvalid
from orchestrator.config.paths import Host
from orchestrator.core.language.definition import Configuration, OutcomeRule
from orchestrator.core.language.words import Outcome
from orchestrator.plugin import Adapter, Cleanliness, Result, Step, Traits
from orchestrator.plugin.registry import LoadedPlugin, Registry
from tests.config.config_material import Mistakes, Reads


class Run(msgspec.Struct, frozen=True):
    run: tuple[str, ...]
    stdin: str | None = None


class Command(Adapter[Run]):
    """Settings of two keys; no acquire and no cleanup of its own."""

    name = "command"
    config_type = Run

    async def apply(self, step: Step[Run]) -> Result:
        return Result(exit=0)


class Shipment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    action: Literal["plan", "apply"]
    dir: str = "."
    parallelism: int = 10
    vars: dict[str, str | int] = {}
    targets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.parallelism < 1:
            raise ValueError("parallelism must be 1 or more")
        if "${" in "".join(self.targets) and self.dir == "literal":
            raise ValueError("targets: write them out")


class Ship(Adapter[Shipment]):
    """Traits that depend on settings; all phases."""

    name = "ship"
    config_type = Shipment

    def traits(self, config: Shipment) -> Traits:
        if config.dir == "explode":
            raise RuntimeError("the boat sank")
        plans = config.action == "plan"
        return Traits(
            touches=not plans,
            grace=None,
            outcomes=(OutcomeRule("exit 2", Outcome.CONTINUE),) if plans else (),
        )

    async def acquire(self, step: Step[Shipment]) -> None:
        pass

    async def apply(self, step: Step[Shipment]) -> Result:
        return Result(exit=0)

    async def cleanup(self, step: Step[Shipment]) -> Cleanliness:
        return Cleanliness()


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry(
        adapters={"command": Command(), "ship": Ship()},
        plugins=(LoadedPlugin("ships", "1.0", ("command", "ship")),),
        authorize=lambda user, action, target: None,
    )


@pytest.fixture(scope="session")
def host() -> Host:
    return Host(1000, {"HOME": "/home/ada", "XDG_RUNTIME_DIR": "/run/user/1000"})


@pytest.fixture
def reads(tmp_path: Path, registry: Registry, host: Host) -> Reads:
    """Write files into a directory and read it as a configuration."""

    def write_and_read(files: Mapping[str, str]) -> Configuration:
        for name, text in {"orchestrator.toml": "", **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return read(tmp_path, registry, host)

    return write_and_read


@pytest.fixture
def mistakes(reads: Reads) -> Mistakes:
    """The mistakes of a directory; it must have some."""

    def of(files: Mapping[str, str]) -> list[Mistake]:
        with pytest.raises(ConfigurationInvalid) as caught:
            reads(files)
        return list(caught.value.mistakes)

    return of
