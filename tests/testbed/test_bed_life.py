"""However the tests end, no process of a test bed is left."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest

from tests.testbed.common import bed_life
from tests.testbed.kubernetes import bed
from tests.testbed.spinnaker import spinnaker_bed

pytestmark = pytest.mark.slow

KUBERNETES = pytest.param("kubernetes", marks=pytest.mark.kubernetes)
SPINNAKER = pytest.param("spinnaker", marks=pytest.mark.spinnaker)
BEDS = pytest.mark.parametrize("kind", [KUBERNETES, SPINNAKER])


class Running(Protocol):
    """A bed that is shared by all who want it at once."""

    @property
    def pids(self) -> Mapping[str, int]: ...


class Names(NamedTuple):
    """Of a bed: the module, the bed's fixture, its programs' fixture, and what shares it."""

    module: str
    fixture: str
    programs: str
    shared: Callable[..., AbstractContextManager[Running]]


def redis_alone(programs: Path, directory: Path) -> AbstractContextManager[Running]:
    """A Spinnaker bed without Orca, which takes long to start: its guardian is the same.

    That Orca ends with its guardian too is tested where Orca is stopped and started.
    """
    return bed_life.shared(directory, (spinnaker_bed.GUARDIAN, "redis"))


FIXTURES = {
    "kubernetes": Names("tests.testbed.kubernetes.bed_fixtures", "bed", "bed_programs", bed.shared),
    "spinnaker": Names(
        "tests.testbed.spinnaker.spinnaker_fixtures",
        "spinnaker",
        "spinnaker_programs",
        redis_alone,
    ),
}
PROCESSES = {
    "kubernetes": {"etcd", "kube-apiserver", "kube-controller-manager", "guardian"},
    "spinnaker": {"redis", "orca", "guardian"},
}
CONFTEST = "from {module} import *\n"
TESTS = """
import json, pytest

@pytest.mark.parametrize("number", [1, 2])
def test_that_holds_the_bed({fixture}, number):
    with open({told!r}, "w") as told:
        told.write(json.dumps({fixture}.pids) + "\\n")
    with open({go_on!r}, "rb", buffering=0) as go_on:
        go_on.read(1)
"""


def await_end(pidfds: list[int]) -> bool:
    """Block until all these processes have ended; they need not be ours. False: one has not."""
    for pidfd in pidfds:
        if not select.select([pidfd], [], [], 60)[0]:
            return False
        os.close(pidfd)
    return True


@pytest.mark.parametrize(
    ("kind", "signum"),
    [
        *(
            pytest.param("kubernetes", how, marks=pytest.mark.kubernetes)
            for how in (None, signal.SIGINT, signal.SIGKILL)
        ),
        pytest.param("spinnaker", signal.SIGKILL, marks=pytest.mark.spinnaker),
    ],
)
def test_the_bed_ends_with_the_tests(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, signum: signal.Signals | None
) -> None:
    module, fixture, programs, _ = FIXTURES[kind]
    request.getfixturevalue(programs)
    told, go_on = tmp_path / "told", tmp_path / "go-on"
    os.mkfifo(told)
    os.mkfifo(go_on)
    (tmp_path / "conftest.py").write_text(CONFTEST.format(module=module))
    tests_text = TESTS.format(fixture=fixture, told=str(told), go_on=str(go_on))
    (tmp_path / "test_it.py").write_text(tests_text)
    command = [sys.executable, "-m", "pytest", "-n2", "--import-mode=importlib", "-q"]
    base = tmp_path / "base"
    with contextlib.ExitStack() as ending:
        # Open for both: neither an early reader nor an early writer sees the other's end.
        lines = ending.enter_context(told.open("r+b", buffering=0))
        steps = ending.enter_context(go_on.open("r+b", buffering=0))
        env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        tests = subprocess.Popen(
            [*command, f"--basetemp={base}", "test_it.py"], cwd=tmp_path, env=env
        )
        ending.callback(tests.wait)
        ending.callback(tests.kill)
        beds = [json.loads(lines.readline()) for _ in range(2)]
        assert beds[0] == beds[1]  # one bed for both workers
        pidfds = [os.pidfd_open(pid) for pid in beds[0].values()]
        assert beds[0].keys() == PROCESSES[kind]
        if signum is None:
            steps.write(b"..")
        else:
            tests.send_signal(signum)
        assert await_end(pidfds)
    assert not [*base.rglob("etcd-data"), *base.rglob("orca.port")]


@BEDS
def test_a_bed_ends_with_its_guardian(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    """A bed ends with its guardian, and the next user starts another."""
    _, _, fixture, shared = FIXTURES[kind]
    programs = request.getfixturevalue(fixture)
    with shared(programs, tmp_path) as first, shared(programs, tmp_path) as second:
        assert first.pids == second.pids
        pidfds = [os.pidfd_open(pid) for pid in first.pids.values()]
        os.kill(first.pids["guardian"], signal.SIGKILL)
        assert await_end(pidfds)
        with shared(programs, tmp_path) as third:
            assert third.pids.keys() == first.pids.keys()
            assert not set(third.pids.values()) & set(first.pids.values())
