"""However the tests end, no process of the Kubernetes test bed is left."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from bed import HERE, Programs, shared

pytestmark = pytest.mark.kubernetes

CONFTEST = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
from bed_fixtures import *
"""
TESTS = """
import json, pytest

@pytest.mark.parametrize("number", [1, 2])
def test_that_holds_the_bed(bed, number):
    with open({told!r}, "w") as told:
        told.write(json.dumps(bed.pids) + "\\n")
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


@pytest.mark.parametrize("signum", [None, signal.SIGINT, signal.SIGKILL])
def test_the_bed_ends_with_the_tests(
    bed_programs: Programs, tmp_path: Path, signum: signal.Signals | None
) -> None:
    told, go_on = tmp_path / "told", tmp_path / "go-on"
    os.mkfifo(told)
    os.mkfifo(go_on)
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(TESTS.format(told=str(told), go_on=str(go_on)))
    command = [sys.executable, "-m", "pytest", "-n2", "--import-mode=importlib", "-q"]
    base = tmp_path / "base"
    with contextlib.ExitStack() as ending:
        # Open for both: neither an early reader nor an early writer sees the other's end.
        lines = ending.enter_context(told.open("r+b", buffering=0))
        steps = ending.enter_context(go_on.open("r+b", buffering=0))
        tests = subprocess.Popen([*command, f"--basetemp={base}", "test_it.py"], cwd=tmp_path)
        ending.callback(tests.wait)
        ending.callback(tests.kill)
        beds = [json.loads(lines.readline()) for _ in range(2)]
        assert beds[0] == beds[1]  # one bed for both workers
        pidfds = [os.pidfd_open(pid) for pid in beds[0].values()]
        assert len(pidfds) == 4
        if signum is None:
            steps.write(b"..")
        else:
            tests.send_signal(signum)
        assert await_end(pidfds)
    assert not list(base.rglob("etcd-data"))


def test_a_bed_ends_with_its_guardian_and_the_next_user_starts_another(
    bed_programs: Programs, tmp_path: Path
) -> None:
    with shared(bed_programs, tmp_path) as first, shared(bed_programs, tmp_path) as second:
        assert first.pids == second.pids
        pidfds = [os.pidfd_open(pid) for pid in first.pids.values()]
        os.kill(first.pids["guardian"], signal.SIGKILL)
        assert await_end(pidfds)
        with shared(bed_programs, tmp_path) as third:
            assert third.pids.keys() == first.pids.keys()
            assert not set(third.pids.values()) & set(first.pids.values())
            assert third.get("/api/v1/namespaces/default")
