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

from tests.ambient import inner_environment
from tests.testbed import small_bed
from tests.testbed.common import bed_life
from tests.testbed.kubernetes import bed
from tests.testbed.spinnaker import spinnaker_bed

pytestmark = pytest.mark.slow

KUBERNETES = pytest.param("kubernetes", marks=pytest.mark.kubernetes)
SPINNAKER = pytest.param("spinnaker", marks=pytest.mark.spinnaker)
KINDS = ("small", KUBERNETES, SPINNAKER)


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
    "small": Names("tests.testbed.small_bed", "small", "", small_bed.shared),
    "kubernetes": Names("tests.testbed.kubernetes.bed_fixtures", "bed", "bed_programs", bed.shared),
    "spinnaker": Names(
        "tests.testbed.spinnaker.spinnaker_fixtures",
        "spinnaker",
        "spinnaker_programs",
        redis_alone,
    ),
}
PROCESSES = {
    "small": {"sleep", "guardian"},
    "kubernetes": {"etcd", "kube-apiserver", "kube-controller-manager", "guardian"},
    "spinnaker": {"redis", "orca", "guardian"},
}
LEFTOVERS = ("left", "etcd-data", "orca.port")
"""Files of the beds that nobody needs when they have ended."""
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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The small bed in the gentle ways, the others in the hard one; in `make proof` all in each."""
    if "signum" not in metafunc.fixturenames:
        return
    everything = metafunc.config.getoption("effort", "test") == "proof"
    rows = [
        pytest.param(kind, signum, marks=marks, id=f"{kind}-{signum.name if signum else 'end'}")
        for kind, marks in (
            ("small", ()),
            ("kubernetes", pytest.mark.kubernetes),
            ("spinnaker", pytest.mark.spinnaker),
        )
        for signum in (None, signal.SIGINT, signal.SIGKILL)
        if everything or (kind == "small") == (signum is not signal.SIGKILL)
    ]
    metafunc.parametrize(("kind", "signum"), rows)


def test_the_bed_ends_with_the_tests(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, signum: signal.Signals | None
) -> None:
    module, fixture, _, _ = FIXTURES[kind]
    programs_of(request, kind)
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
        env = inner_environment() | {"PYTHONPATH": os.pathsep.join(sys.path)}
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
    assert not [found for name in LEFTOVERS for found in base.rglob(name)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_bed_ends_with_its_guardian(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    programs = programs_of(request, kind)
    with FIXTURES[kind].shared(programs, tmp_path) as bed:
        pidfds = [os.pidfd_open(pid) for pid in bed.pids.values()]
        os.kill(bed.pids["guardian"], signal.SIGKILL)
        assert await_end(pidfds)


def test_the_next_user_starts_another(tmp_path: Path) -> None:
    """Where the guardian was killed."""
    with small_bed.shared(None, tmp_path) as first, small_bed.shared(None, tmp_path) as second:
        assert first.pids == second.pids
        pidfds = [os.pidfd_open(pid) for pid in first.pids.values()]
        os.kill(first.pids["guardian"], signal.SIGKILL)
        assert await_end(pidfds)
        with small_bed.shared(None, tmp_path) as third:
            assert third.pids.keys() == PROCESSES["small"]
            assert not set(third.pids.values()) & set(first.pids.values())


def programs_of(request: pytest.FixtureRequest, kind: str) -> object:
    """What the bed runs. Skips where it is not built."""
    name = FIXTURES[kind].programs
    return request.getfixturevalue(name) if name else None
