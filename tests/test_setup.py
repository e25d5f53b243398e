"""Set-up, and CI, say first and in one line what is missing and how to get it."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def python_with(directory: Path, module: str, code: str) -> Path:
    """This Python, but a module of it is another: a stand-in for one of another machine."""
    modules = directory / "modules"
    modules.mkdir()
    (modules / f"{module}.py").write_text(code)
    python = directory / "stand-in"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={modules} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return python


def set_up(place: Path, *words: str, env: Mapping[str, str] = os.environ) -> list[str]:
    """What a set-up in `place` says before make itself gives up."""
    done = subprocess.run(
        [str(shutil.which("make")), "setup", f"VENV={place}", *words],
        cwd=ROOT,
        env={**env, "LC_ALL": "C", "MAKEFLAGS": "", "MAKELEVEL": "0"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("make: *** [Makefile:")
    return [*done.stdout.splitlines(), *done.stderr.splitlines()[:-1]]


def test_no_python(tmp_path: Path) -> None:
    [line] = set_up(tmp_path / "venv", "PYTHON=python9")
    assert line.startswith("python9 is missing (Debian: apt install python3 python3-venv)")


def test_an_old_python(tmp_path: Path) -> None:
    python = python_with(tmp_path, "sitecustomize", "import sys; sys.version_info = (3, 10, 9)")
    [line] = set_up(tmp_path / "venv", f"PYTHON={python}")
    assert line.startswith(f"Python 3.11 or newer is needed, and {python} is older")


def test_no_venv(tmp_path: Path) -> None:
    """As in Debian without python3-venv."""
    python = python_with(tmp_path, "ensurepip", "raise ModuleNotFoundError('ensurepip')")
    [line] = set_up(tmp_path / "venv", f"PYTHON={python}")
    assert line == f"{python} makes no virtual environments (Debian: apt install python3-venv)"
    assert not (tmp_path / "venv").exists()


def test_no_git(tmp_path: Path) -> None:
    (tmp_path / "sh").symlink_to("/bin/sh")
    [line] = set_up(tmp_path / "venv", env={"PATH": str(tmp_path)})
    assert line == "git is missing (Debian: apt install git)"


def test_a_place_that_is_not_writable(tmp_path: Path) -> None:
    """Not even by root: below a file."""
    (tmp_path / "file").touch()
    (tmp_path / "file").chmod(0o400)
    place = tmp_path / "file" / "some" / "venv"
    [line] = set_up(place, f"PYTHON={sys.executable}")
    assert line.startswith(f"{place} can't be made, its directory is not writable; another: make ")


def test_a_place_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "venv").touch()
    [line] = set_up(tmp_path / "venv", f"PYTHON={sys.executable}")
    assert line == f"{tmp_path}/venv is a file; another: make VENV=~/venv"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """What it points to would be emptied."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "made-for").touch()
    (tmp_path / "venv").symlink_to(other)
    [line] = set_up(tmp_path / "venv", f"PYTHON={sys.executable}")
    assert line.startswith(f"{tmp_path}/venv is a link, and what it points to would be emptied;")
    assert (other / "made-for").exists()


@pytest.mark.parametrize("name", ["letters.txt", "pyvenv.cfg"])
def test_what_is_not_ours_is_not_emptied(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    [line] = set_up(tmp_path, f"PYTHON={sys.executable}")
    assert line.startswith(f"{tmp_path} was not made by make setup, and would be emptied:")
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.slow
def test_no_package_index(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": f"http://127.0.0.1:{port}/simple",
        "PIP_RETRIES": "1",
    }
    place = tmp_path / "venv"
    first, line = set_up(place, f"PYTHON={sys.executable}", env=env)
    assert first.startswith(f"setting up {place}")
    index = env["PIP_INDEX_URL"]
    assert line.startswith(f"pip failed; does it reach {index} (PIP_INDEX_URL, HTTPS_PROXY)? ")
    assert "Connection refused" in line
    assert " object at " not in line
    assert line.endswith(f"({place}/pip.log)")
    assert not (place / "ready").exists()


@pytest.mark.parametrize("script", [".ci/run", ".ci/bare"])
def test_ci_without_root(tmp_path: Path, script: str) -> None:
    """Even if root runs the tests: `id` is a stand-in that tells of an ordinary user."""
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "id").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        [ROOT / script, "true"], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{script} needs root: it ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("go version go1.19.8 linux/amd64", ".ci/some needs Go"),
        ("go version go1.25.3 linux/amd64", ""),
        ("", ".ci/some needs Go"),
    ],
    ids=["old", "new", "none"],
)
def test_ci_with_another_go(tmp_path: Path, said: str, expected: str) -> None:
    """Debian's own is too old; that is found out before anything is installed."""
    if said:
        (tmp_path / "go").write_text(f"#!/bin/sh\necho {said}\n")
        (tmp_path / "go").chmod(0o755)
    code = ". .ci/settings; demand Go has_new_go $PATH"
    done = subprocess.run(
        [str(shutil.which("bash")), "-euc", code, ".ci/some"],
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (done.stderr.strip(), done.returncode) == (expected, 1 if expected else 0)
