"""What a second set-up does: nothing, or all of it anew. By a stand-in for Python."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = """#!/bin/sh
case "$*" in
  *_base_executable*) readlink -f "$0" ;;
  "-m venv "*) mkdir -p "$3/bin" && ln -s "$0" "$3/bin/python" && touch "$3/pyvenv.cfg" ;;
  "-m pip "*) while [ -e held ]; do sleep 0.1; done; pwd -P >"$(dirname "$0")/../installed" ;;
  *) exec REAL "$@" ;;
esac
"""
"""A stand-in whose venv and pip take a moment, or as long as there is a file `held`."""


class Small:
    """A checkout of this set-up, and of nothing else."""

    def __init__(self, place: Path) -> None:
        self.place = place
        (place / "plugins" / "some").mkdir(parents=True)
        for name in ("pyproject.toml", "plugins/some/pyproject.toml", "constraints.txt"):
            (place / name).touch()
        self.python = place / "stand-in"
        self.python.write_text(PYTHON.replace("REAL", sys.executable))
        self.python.chmod(0o755)
        for name in ("Makefile", "setup.sh"):
            shutil.copy(ROOT / name, place)

    def make(self, *words: str, **env: str) -> str:
        """What make prints; it must succeed."""
        with self.making(*words, **env) as making:
            said = making.communicate()[0]
        assert making.returncode == 0, said
        return said

    @contextmanager
    def making(self, *words: str, **env: str) -> Iterator[subprocess.Popen[str]]:
        """A make that runs."""
        with subprocess.Popen(
            ["make", *(words or ("setup", f"PYTHON={self.python}"))],
            cwd=self.place,
            env={**os.environ, "MAKEFLAGS": "", "MAKELEVEL": "0", **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as making:
            yield making

    @property
    def installed(self) -> str:
        """The checkout whose code .venv runs."""
        return (self.place / ".venv" / "installed").read_text().strip()


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path / "small")


SET_UP = "setting up .venv (a minute, once)\n"


@pytest.mark.slow
def test_a_second_set_up_does_nothing(small: Small) -> None:
    assert small.make() == SET_UP
    assert small.make() == small.make("setup") == ""
    (small.place / "plugins" / "some" / "pyproject.toml").touch()
    assert small.make() == SET_UP


@pytest.mark.slow
def test_a_checkout_that_was_moved(small: Small) -> None:
    """Else its programs and tests would be those of the place where it was."""
    small.make()
    moved = Small(small.place.parent / "moved")
    shutil.copytree(small.place / ".venv", moved.place / ".venv", symlinks=True)
    assert moved.make() == SET_UP
    assert moved.installed == str(moved.place)


@pytest.mark.slow
def test_a_python_that_is_gone(small: Small) -> None:
    small.make()
    python = small.place / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nonexistent/python3")
    assert small.make() == SET_UP


@pytest.mark.slow
def test_from_inside_what_is_set_up(small: Small) -> None:
    """Where it is activated, `python3` is in the directory that is emptied."""
    small.make()
    (small.place / "setup.sh").touch()
    assert small.make("setup", "PYTHON=.venv/bin/python") == SET_UP


@pytest.mark.slow
def test_two_at_once(small: Small) -> None:
    """The second waits for the first, and has nothing left to do."""
    held = small.place / "held"
    held.touch()
    with small.making() as first, small.making() as second:
        assert first.stdout and second.stdout
        said = {stream: stream.readline() for stream in (first.stdout, second.stdout)}
        held.unlink()
        assert [stream.read() for stream in said] == ["", ""]
    assert (first.returncode, second.returncode) == (0, 0)
    assert set(said.values()) == {SET_UP, "waiting for another set-up of .venv\n"}


@pytest.mark.slow
def test_what_clean_removes(small: Small) -> None:
    """What make setup has made, and nothing that somebody else's environment names."""
    theirs = small.place.parent / "theirs"
    theirs.mkdir()
    (theirs / "pyvenv.cfg").touch()
    small.make()
    small.make("clean", VENV=str(theirs))
    assert not (small.place / ".venv").exists()
    assert "stays: make setup has not made it" in small.make("clean", f"VENV={theirs}")
    assert (theirs / "pyvenv.cfg").exists()


@pytest.mark.parametrize(
    ("proof", "beds"),
    [
        ("simulation", []),
        ("helm-matrix", ["bed_build", "registry_build"]),
        ("kills-spinnaker", ["spinnaker_build"]),
        ("", ["bed_build", "registry_build", "spinnaker_build"]),
    ],
    ids=["none", "kubernetes", "spinnaker", "all"],
)
def test_test_beds_of_a_proof(proof: str, beds: list[str]) -> None:
    told = dry_run("proof", f"PROOF={proof}")
    assert re.findall(r"-m tests\.testbed\.\w+\.(\w+)", told) == beds


def dry_run(*words: str, **env: str) -> str:
    """What make would run."""
    env = {**os.environ, "MAKEFLAGS": "", "MAKELEVEL": "0", **env}
    command = ["make", "--dry-run", *words]
    return subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("name", ["TESTS", "ROOT", "PROOF", "VENV", "PYTHON", "WORKERS"])
def test_settings_of_the_environment(name: str) -> None:
    """They are somebody else's: none changes what is run."""
    plain = dry_run("test", "proof")
    assert dry_run("test", "proof", **{name: "/srv/x"}) == plain
    if name != "ROOT":
        assert dry_run("test", "proof", f"{name}=/srv/x") != plain
