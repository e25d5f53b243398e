"""Loading plugins: real entry points of real modules, the broken ones among them."""

import sys
from collections.abc import Iterator
from importlib.metadata import PathDistribution
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from orchestrator.plugin import Adapter, Result, SecretSource, Step, hookimpl
from orchestrator.plugin.registry import Registry, load
from tests.row_ids import told_by

ADAPTER = """
import msgspec
from orchestrator.plugin import Adapter, Result, hookimpl

class Settings(msgspec.Struct, frozen=True):
    pass

class {kind}(Adapter[Settings]):
    name = "{name}"
    config_type = Settings
    async def apply(self, step):
        return Result()

@hookimpl
def orchestrator_adapters():
    return [{kind}()]
"""


class Nothing(msgspec.Struct, frozen=True):
    pass


class Builtin(Adapter[Nothing]):
    name = "command"
    config_type = Nothing

    async def apply(self, step: Step[Nothing]) -> Result:
        return Result()


@pytest.fixture
def builtin() -> ModuleType:
    module = ModuleType("orchestrator.builtin.for_tests")
    vars(module)["orchestrator_adapters"] = hookimpl(orchestrator_adapters)
    return module


def orchestrator_adapters() -> list[Adapter[Nothing]]:
    return [Builtin()]


class Installed:
    """Distributions in a directory of their own, found by their metadata as pip leaves it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.modules: list[str] = []

    def add(self, name: str, source: str) -> None:
        module = f"{name}_of_test"
        (self.place / f"{module}.py").write_text(source)
        info = self.place / f"{name}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[orchestrator]\nmain = {module}\n")
        self.modules.append(module)

    def load(self, *builtin: ModuleType) -> Registry:
        found = [
            point
            for info in sorted(self.place.glob("*.dist-info"))
            for point in PathDistribution(info).entry_points
        ]
        return load(builtin, found)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installed]:
    monkeypatch.syspath_prepend(str(tmp_path))
    place = Installed(tmp_path)
    yield place
    for module in place.modules:
        sys.modules.pop(module, None)


def problems(registry: Registry) -> dict[str, str]:
    return {problem.plugin: problem.text for problem in registry.problems}


def test_ours_and_installed_ones(installed: Installed, builtin: ModuleType) -> None:
    installed.add("boats", ADAPTER.format(kind="Boat", name="boat"))
    registry = installed.load(builtin)
    assert list(registry.adapters) == ["command", "boat"]
    assert registry.problems == ()
    ours, boats = registry.plugins
    assert (ours.name, ours.version, ours.adapters) == (
        "orchestrator.builtin.for_tests",
        None,
        ("command",),
    )
    assert (boats.name, boats.version, boats.adapters) == ("boats", "1.2", ("boat",))
    assert registry.plugin_of("boat") == "boats"
    assert registry.authorize("ada", "submit", "web in production") is None


SECRETS = """
from orchestrator.plugin import hookimpl

class {kind}:
    name = "{name}"
    async def read(self, settings):
        return "the value"

@hookimpl
def orchestrator_secrets():
    return [{kind}()]
"""


def test_sources_of_secrets(installed: Installed, builtin: ModuleType) -> None:
    installed.add("safes", SECRETS.format(kind="Safe", name="safe"))
    registry = installed.load(builtin)
    assert (list(registry.secrets), registry.problems) == (["safe"], ())
    assert isinstance(registry.secrets["safe"], SecretSource)
    installed.add("vaults", SECRETS.format(kind="Vault", name="safe"))
    registry = installed.load(builtin)
    assert list(registry.secrets) == []
    said = "source of secrets safe is brought by {} too: uninstall one"
    assert problems(registry) == {"safes": said.format("vaults"), "vaults": said.format("safes")}


BROKEN = [
    (
        SECRETS.format(kind="Safe", name="no name"),
        "Safe.name must be letters, digits, `-` and `_`, not 'no name'",
    ),
    (
        SECRETS.format(kind="Safe", name="safe").replace("async def", "def"),
        "Safe has no async method read(settings) to get secrets by",
    ),
    ("raise ValueError('no boats')", "could not be loaded: ValueError: no boats"),
    ("import sys; sys.exit(3)", "could not be loaded: SystemExit: 3"),
    ("def (", "could not be loaded: SyntaxError: invalid syntax"),
    (
        "from orchestrator.plugin import hookimpl\n"
        "@hookimpl\ndef orchestrator_adapters():\n    raise RuntimeError('sank')",
        "orchestrator_adapters failed: RuntimeError: sank",
    ),
    (
        "from orchestrator.plugin import hookimpl\n"
        "@hookimpl\nasync def orchestrator_adapters():\n    return []",
        "orchestrator_adapters must return a list of adapters, not coroutine",
    ),
    (
        "from orchestrator.plugin import hookimpl\n"
        "@hookimpl\ndef orchestrator_adapters():\n    return [3]",
        "int is no orchestrator.plugin.Adapter",
    ),
    (
        "from orchestrator.plugin import hookimpl\n@hookimpl\ndef orchestrator_adaptors(): pass",
        "has a hook that does not exist: unknown hook 'orchestrator_adaptors'",
    ),
    (
        "from orchestrator.plugin import hookimpl\n"
        "@hookimpl\ndef orchestrator_adapters(config): pass",
        "could not be loaded: PluginValidationError: ",
    ),
    (
        ADAPTER.format(kind="Boat", name="a boat"),
        "Boat.name must be letters, digits, `-` and `_`, not 'a boat'",
    ),
    (
        ADAPTER.format(kind="Boat", name="boat").replace("config_type = Settings", ""),
        "Boat.config_type must be a msgspec.Struct, not None",
    ),
]


@pytest.mark.parametrize(("source", "text"), BROKEN, ids=told_by(BROKEN, 1))
def test_a_broken_plugin_hurts_no_other(
    installed: Installed, builtin: ModuleType, source: str, text: str
) -> None:
    """A broken plugin is named, and hurts no other."""
    installed.add("broken", source)
    installed.add("sound", ADAPTER.format(kind="Boat", name="boat"))
    registry = installed.load(builtin)
    assert sorted(registry.adapters) == ["boat", "command"]
    [(plugin, found)] = problems(registry).items()
    assert plugin == "broken"
    assert found.startswith(text)


@pytest.mark.parametrize(
    "source",
    [
        "raise KeyboardInterrupt",
        "from orchestrator.plugin import hookimpl\n"
        "@hookimpl\ndef orchestrator_adapters():\n    raise KeyboardInterrupt",
    ],
    ids=["import", "hook"],
)
def test_an_interrupt_names_the_plugin(installed: Installed, source: str) -> None:
    """It may come from a person, and ends all."""
    installed.add("slow", source)
    with pytest.raises(KeyboardInterrupt, match="while plugin slow was loaded"):
        installed.load()


def test_two_adapters_of_one_name(installed: Installed) -> None:
    """Two installed adapters of one name belong to neither."""
    installed.add("boats", ADAPTER.format(kind="Boat", name="boat"))
    installed.add("ships", ADAPTER.format(kind="Ship", name="boat"))
    registry = installed.load()
    assert registry.adapters == {}
    assert problems(registry) == {
        "boats": "adapter boat is brought by ships too: uninstall one",
        "ships": "adapter boat is brought by boats too: uninstall one",
    }


def test_a_name_of_ours_stays_ours(installed: Installed, builtin: ModuleType) -> None:
    installed.add("shells", ADAPTER.format(kind="Shell", name="command"))
    registry = installed.load(builtin)
    assert isinstance(registry.adapters["command"], Builtin)
    assert problems(registry) == {
        "shells": "adapter command is brought by orchestrator.builtin.for_tests too: uninstall one"
    }


AUTHORIZE = """
from orchestrator.plugin import hookimpl

@hookimpl
def orchestrator_authorize(user, target):
    if user == "eve":
        return False
    if user == "broken":
        raise RuntimeError("directory is down")
    if user == "odd":
        return "yes"
    return None
"""


@pytest.mark.parametrize(
    ("user", "answer"), [("ada", None), ("eve", False), ("broken", False), ("odd", False)]
)
def test_authorize_denies_and_fails_closed(
    installed: Installed, user: str, answer: bool | None
) -> None:
    installed.add("guards", AUTHORIZE)
    installed.add("boats", ADAPTER.format(kind="Boat", name="boat"))
    assert installed.load().authorize(user, "submit", "production") is answer


def test_nothing_is_loaded_at_import(installed: Installed) -> None:
    installed.add("boats", ADAPTER.format(kind="Boat", name="boat"))
    assert "boats_of_test" not in sys.modules
    installed.load()
    assert "boats_of_test" in sys.modules
