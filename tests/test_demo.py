"""How `make demo` ends before its end: at once, in a line, and without its daemon.

The command line is a stand-in; on a bare machine CI runs the demo as it is.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ambient import open_directory

RUN = Path(__file__).parents[1] / "config" / "demo" / "run.py"
SERVES = 'serve) echo $$ >"$3/pid"; exec sleep 60 ;;'


class Machine:
    """A place with a stand-in for the command line, which does this for each verb."""

    def __init__(self, place: Path, short: Path) -> None:
        self.place = place
        self.python = place / "bin" / "python"
        self.python.parent.mkdir()
        self.python.symlink_to(sys.executable)
        self.temporary = short

    @contextmanager
    def demo(self, *cases: str, place: Path | None = None) -> Iterator[subprocess.Popen[str]]:
        """The demo that runs; its directories are below `place`."""
        program = self.place / "bin" / "orchestrator"
        program.write_text("\n".join(("#!/bin/sh", 'case "$1" in', *cases, "esac\n")))
        program.chmod(0o755)
        with subprocess.Popen(
            [self.python, RUN],
            env={"PATH": os.environ["PATH"], "TMPDIR": str(place or self.temporary)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as demo:
            yield demo

    def has_no_daemon(self) -> bool:
        [pid] = self.temporary.glob("*/pid")
        return not Path("/proc", pid.read_text().strip()).exists()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with open_directory() as short:
        yield Machine(tmp_path, short)


def test_a_daemon_that_ends_at_once(machine: Machine) -> None:
    cases = ("serve) echo one; echo no space left; exit 3 ;;", "*) exit 1 ;;")
    with machine.demo(*cases) as demo:
        said = demo.communicate()[1]
    assert demo.returncode == 1
    told, left = said.split("; what there is stands in ")
    assert told == "demo: the daemon has ended (exit 3): no space left"
    assert left.startswith(f"{machine.temporary}/orchestrator-demo-")


def test_a_command_that_fails(machine: Machine) -> None:
    with machine.demo(SERVES, "show) echo disk full >&2; exit 1 ;;") as demo:
        out, said = demo.communicate()
    assert (demo.returncode, len(said.splitlines())) == (1, 1)
    assert said.startswith("demo: orchestrator show 1 --json: disk full; what there is stands in ")
    assert "$ orchestrator submit web staging -p version=v1 --reason 'first release'\n" in out
    assert machine.has_no_daemon()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["int", "term"])
def test_a_person_who_stops_it(machine: Machine, number: signal.Signals) -> None:
    with machine.demo(SERVES, "submit) echo submitted; exec sleep 10 >&- 2>&- ;;") as demo:
        assert demo.stdout
        while demo.stdout.readline() != "submitted\n":
            pass
        demo.send_signal(number)
        said = demo.stderr.read() if demo.stderr else ""
    assert demo.returncode == 128 + number
    assert said.startswith(f"\nstopped; what there is stands in {machine.temporary}/")
    assert machine.has_no_daemon()


def test_a_reader_that_goes_away(machine: Machine) -> None:
    with machine.demo(SERVES) as demo:
        assert demo.stdout and demo.stderr
        demo.stdout.close()
        said = demo.stderr.read()
    assert (demo.returncode, said) == (128 + signal.SIGPIPE, "")


def test_a_long_tmpdir(machine: Machine, tmp_path: Path) -> None:
    """A socket's path would not fit below it."""
    long = tmp_path / ("x" * 60)
    long.mkdir()
    with machine.demo("serve) exit 1 ;;", "*) exit 1 ;;", place=long) as demo:
        said = demo.communicate()[1]
    assert " stands in /tmp/orchestrator-demo-" in said
    shutil.rmtree(said.rpartition(" ")[2].strip())
    assert list(long.iterdir()) == []
