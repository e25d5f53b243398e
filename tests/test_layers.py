"""A package imports only from those above it.

The imports are read from the source, so that one inside a function counts too.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("core", "plugin", "config", "store", "process", "engine", "api", "cli")
"""From the top. What stands in a row may import what stands above it."""
COMPOSITION = {"orchestrator.daemon", "orchestrator.check", "orchestrator.log_output"}
"""The modules that put the parts together; nothing imports them but each other and `testing`."""
ROOMS = {
    "core": ("language", "values", "steps", "world", "rules"),
    "engine": ("secrets", "logs", "attempt"),
    "cli": ("client", "view", "staying", "health", "verbs"),
}
"""The folders of a layer, from the top, by the same rule as the layers themselves."""
SHARED = {
    "core": (),
    "engine": ("paths", "live", "writer"),
    "cli": ("arguments", "answering", "catalogue", "configuration", "parameters"),
}
"""What a room may import of the files that stand beside the rooms: those that import no room but
the first."""
PURE = {
    *("collections", "difflib", "enum", "fnmatch", "functools", "hashlib", "itertools", "math"),
    *("operator", "re", "shlex", "sys", "typing"),
}
"""What of the standard library the core uses: nothing that looks at the world around it."""


class Import(NamedTuple):
    """One import: by which module, of which, and whether only when a function runs."""

    by: str
    of: str
    line: int
    lazy: bool

    @property
    def package(self) -> str:
        """The package of ours that is imported, or the distribution's module."""
        parts = self.of.split(".")
        return ".".join(parts[:2]) if parts[0] == "orchestrator" else parts[0]

    def __str__(self) -> str:
        return f"{self.by}:{self.line} imports {self.of}"


@cache
def imports_of(directory: str) -> tuple[Import, ...]:
    """Every import of every module below a directory."""
    found: list[Import] = []
    for path in sorted((ROOT / directory).rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found += _imports(ast.parse(path.read_text()), module.removesuffix(".__init__"), False)
    return tuple(found)


def _imports(node: ast.AST, by: str, lazy: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Import(names=names):
                for alias in names:
                    yield Import(by, alias.name, child.lineno, lazy)
            case ast.ImportFrom(module="orchestrator", names=names):
                for alias in names:
                    yield Import(by, f"orchestrator.{alias.name}", child.lineno, lazy)
            case ast.ImportFrom(module=str() as module, level=0):
                yield Import(by, module, child.lineno, lazy)
            case ast.ImportFrom():
                raise AssertionError(f"{by}:{child.lineno}: relative imports hide what is imported")
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                continue
            case _:
                function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
                yield from _imports(child, by, lazy or function)


def offending(directory: str, allowed: set[str]) -> list[str]:
    """The imports of ours below a directory that are not of these packages, nor of its own."""
    own = directory.replace("/", ".")
    return [
        str(one)
        for one in imports_of(directory)
        if one.package.startswith("orchestrator") and one.package not in {own, *allowed}
    ]


def packages(*names: str) -> set[str]:
    return {f"orchestrator.{name}" for name in names}


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_only_from_those_above_it(layer: str) -> None:
    above = packages(*LAYERS[: LAYERS.index(layer)])
    if layer == "cli":
        above |= packages("builtin")
    assert offending(f"orchestrator/{layer}", above) == []


def room_of(module: str) -> str:
    """The folder of a layer that a module stands in, "" if it stands beside the folders."""
    _, layer, *rest = module.split(".")
    return rest[0] if rest and rest[0] in ROOMS[layer] else ""


def inside(layer: str) -> list[Import]:
    """The imports within a layer."""
    found = imports_of(f"orchestrator/{layer}")
    return [each for each in found if each.of.startswith(f"orchestrator.{layer}.")]


@pytest.mark.parametrize("layer", ROOMS)
def test_a_room_imports_only_from_those_above_it(layer: str) -> None:
    rooms = ROOMS[layer]
    shared = {f"orchestrator.{layer}.{name}" for name in SHARED[layer]}
    wrong = [
        str(each)
        for each in inside(layer)
        if (room := room_of(each.by))
        and room_of(each.of) not in rooms[: rooms.index(room) + 1]
        and not any(f"{each.of}.".startswith(f"{name}.") for name in shared)
    ]
    assert wrong == []


@pytest.mark.parametrize("layer", ROOMS)
def test_what_rooms_share_stands_above_them(layer: str) -> None:
    shared = {f"orchestrator.{layer}.{name}" for name in SHARED[layer]}
    below = [
        str(each)
        for each in inside(layer)
        if each.by in shared and room_of(each.of) in ROOMS[layer][1:]
    ]
    assert below == []


@pytest.mark.parametrize("layer", ROOMS)
def test_every_folder_is_a_room(layer: str) -> None:
    folders = {path.parent.name for path in (ROOT / "orchestrator" / layer).glob("*/*.py")}
    assert folders == set(ROOMS[layer])


def test_imports_of_what_is_built_in() -> None:
    """What is built in imports what a plugin may."""
    assert offending("orchestrator/builtin", packages("plugin")) == []


def test_every_package_has_its_place() -> None:
    known = {*LAYERS, "builtin", "testing"}
    modules = {
        path.name for path in (ROOT / "orchestrator").iterdir() if (path / "__init__.py").exists()
    }
    assert modules <= known
    files = {f"orchestrator.{path.stem}" for path in (ROOT / "orchestrator").glob("[!_]*.py")}
    assert files <= COMPOSITION


@pytest.mark.slow
def test_nothing_imports_what_puts_the_parts_together() -> None:
    found = [each for layer in (*LAYERS, "builtin") for each in imports_of(f"orchestrator/{layer}")]
    assert [str(each) for each in found if each.of in COMPOSITION] == []
    assert [str(each) for each in found if each.package == "orchestrator.testing"] == []


@pytest.mark.parametrize(
    "plugin", sorted((ROOT / "plugins").glob("*/orchestrator_*")), ids=lambda path: path.name
)
def test_a_plugin_imports_the_published_packages_only(plugin: Path) -> None:
    own = plugin.name
    found = imports_of(str(plugin.relative_to(ROOT)))
    ours = [one for one in found if one.of.split(".")[0] == "orchestrator"]
    assert own.startswith("orchestrator_")
    assert [str(our) for our in ours if our.package not in packages("plugin", "testing")] == []


# --- the core is pure -----------------------------------------------------------------------


def test_imports_of_the_core() -> None:
    """The core imports nothing that looks at the world around it."""
    allowed = {"orchestrator.core", "msgspec", "sortedcontainers", *PURE}
    found = imports_of("orchestrator/core")
    assert [str(one) for one in found if one.package not in allowed] == []


def test_the_core_waits_for_nothing() -> None:
    waits = ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith
    for path in sorted((ROOT / "orchestrator/core").rglob("*.py")):
        lines = [
            node.lineno for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, waits)
        ]
        assert lines == [], path


def test_plugin_authors_are_bound_to_no_event_loop() -> None:
    found = [*imports_of("orchestrator/plugin"), *imports_of("orchestrator/builtin")]
    loops = {"trio", "asyncio", "trio_asyncio"}
    assert [str(one) for one in found if one.package in loops] == []


# --- the command line starts fast -----------------------------------------------------------

HEAVY = ("msgspec", "trio", "anyio", "pluggy", "litestar", "hypercorn", "structlog", "tree_sitter")


def test_imports_of_verbs() -> None:
    """Verbs import nothing but the standard library when they are loaded."""
    at_once = [one for one in imports_of("orchestrator/cli") if not one.lazy]
    allowed = {"orchestrator.cli", *sys.stdlib_module_names}
    assert [str(one) for one in at_once if one.package not in allowed] == []


def test_loading_every_verb_loads_nothing_heavy() -> None:
    verbs = sorted(path.stem for path in (ROOT / "orchestrator/cli/verbs").glob("[!_]*.py"))
    program = (
        "import importlib, sys\n"
        "import orchestrator.cli.main\n"
        f"for verb in {verbs!r}: importlib.import_module('orchestrator.cli.verbs.' + verb)\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "ours = [name for name in sys.modules if name.startswith('orchestrator.')]\n"
        "print(heavy, [name for name in ours if not name.startswith('orchestrator.cli')])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert (done.stdout.strip(), done.stderr) == ("[] []", "")


def test_the_checkout_starts_on_the_standard_library_alone() -> None:
    """It runs by itself, without what is installed."""
    allowed = {"orchestrator.builtin", *sys.stdlib_module_names}
    found = imports_of("orchestrator/builtin/checkout")
    ours = [one for one in found if one.package == "orchestrator.builtin"]
    assert [str(one) for one in found if one.package not in allowed] == []
    assert all(our.of.startswith("orchestrator.builtin.checkout") for our in ours)
