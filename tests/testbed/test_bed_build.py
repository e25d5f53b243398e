"""What a test bed needs is built once, and never used half built."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests import needs
from tests.testbed.common import bed_cache
from tests.testbed.common.bed_cache import BuildError
from tests.testbed.kubernetes import bed_build
from tests.testbed.kubernetes.bed_build import Part, build, is_complete, location
from tests.testbed.spinnaker import spinnaker_build

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
MAIN = """package main
import "fmt"
func main() { fmt.Println("v1.2.3") }
"""
PART = Part("small", ("install", "./small"), (), "v1.2.3")


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Go module with one small program; the cache is a directory of this test."""
    needs.demand(needs.GO)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # Go keeps its own cache where it is.
    monkeypatch.setenv("GOCACHE", _go_env("GOCACHE"))
    source = tmp_path / "source"
    (source / "small").mkdir(parents=True)
    (source / "go.mod").write_text("module testbed\n\ngo 1.25.0\n")
    (source / "small" / "main.go").write_text(MAIN)
    return source


def _go_env(name: str) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "XDG_CACHE_HOME"}
    asked = subprocess.run(
        ["go", "env", name], env=environment, capture_output=True, text=True, check=True
    )
    return asked.stdout.strip()


def test_what_is_built_is_not_built_again(source: Path) -> None:
    told: list[str] = []
    place = build(told.append, [PART], source)
    assert is_complete(place)
    assert told[0] == "[1/1] small v1.2.3"
    built = (place / "small").stat()
    assert build(told.append, [PART], source) == place
    assert (place / "small").stat().st_ino == built.st_ino
    assert [entry.name for entry in place.parent.iterdir() if entry != place] == ["lock"]


def test_nothing_is_built_in_tmpdir(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be small: Go would need gigabytes of it."""
    monkeypatch.setenv("TMPDIR", str(source / "nowhere"))
    place = build(print, [PART], source)
    assert sorted(entry.name for entry in place.iterdir()) == ["complete.json", "small"]


def test_a_broken_cache_is_replaced(source: Path) -> None:
    place = build(print, [PART], source)
    (place / "small").write_bytes(b"half")
    assert not is_complete(place)
    assert is_complete(build(print, [PART], source))


def test_what_a_killed_build_left_is_removed(source: Path) -> None:
    left = bed_cache.cache_root() / ".building-left"
    left.mkdir(parents=True)
    build(print, [PART], source)
    assert not left.exists()


def test_other_sources_have_another_place(source: Path) -> None:
    place = location([PART], source)
    (source / "small" / "main.go").write_text(MAIN + "// another\n")
    assert location([PART], source) != place


@pytest.mark.parametrize(
    ("part", "main", "message"),
    [
        (PART, "package main\nfunc main() { nothing() }\n", "undefined: nothing"),
        (PART, MAIN.replace("1.2.3", "9"), "should be v1.2.3, but says 'v9"),
    ],
    ids=["does not compile", "is another version"],
)
def test_what_cannot_be_built_leaves_nothing(
    source: Path, part: Part, main: str, message: str
) -> None:
    (source / "small" / "main.go").write_text(main)
    with pytest.raises(BuildError, match=message):
        build(print, [part], source)
    assert [entry.name for entry in bed_cache.cache_root().iterdir()] == ["lock"]


def test_two_builds_at_once_build_once(source: Path) -> None:
    script = (
        "import pathlib, sys; from tests.testbed.kubernetes import bed_build as b; "
        "p = b.build(print, [b.Part('small', ('install', './small'), (), 'v1.2.3')], "
        "pathlib.Path(sys.argv[1])); print((p / 'small').stat().st_ino)"
    )
    command = [sys.executable, "-c", script, str(source)]
    both = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    told = [one.communicate(timeout=120)[0].splitlines() for one in both]
    assert told[0][-1] == told[1][-1]
    assert sum("[1/1] small v1.2.3" in lines for lines in told) == 1


@pytest.mark.parametrize(("ci", "code"), [(False, 0), (True, 1)], ids=["by hand", "in CI"])
@pytest.mark.parametrize(
    ("build", "needed"),
    [
        (bed_build, "Go 1.25 or newer on PATH"),
        (
            spinnaker_build,
            "javac (Debian: default-jdk-headless), mvn (Debian: maven), "
            "redis-server (Debian: redis-server), redis-cli (Debian: redis-tools) on PATH",
        ),
    ],
    ids=["kubernetes", "spinnaker"],
)
def test_without_its_tools_a_build_says_so(
    tmp_path: Path, build: ModuleType, needed: str, ci: bool, code: int
) -> None:
    environment = {"PATH": "", "XDG_CACHE_HOME": str(tmp_path)} | ({"CI": "true"} if ci else {})
    done = subprocess.run(
        [sys.executable, "-m", build.__name__],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == code
    assert f"needs {needed}; the tests that use it are skipped" in done.stdout
