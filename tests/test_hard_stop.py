"""What runs too long is stopped; Ctrl-C reaches what runs once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tools.hard_stop import LATE

ROOT = Path(__file__).parents[1]
COUNTS = """
import signal, sys, time
seen = []
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, _: seen.append(number))
print("ready", flush=True)
while not seen:
    time.sleep(0.01)
time.sleep(0.3)
print(*seen)
sys.exit(7)
"""


def start(seconds: float, *command: str) -> subprocess.Popen[str]:
    """In a process group of its own, as a terminal has it."""
    words = [sys.executable, "-m", "tools.hard_stop", str(seconds), *command]
    return subprocess.Popen(
        words, cwd=ROOT, process_group=0, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("whom", ["group", "process"])
def test_a_signal_arrives_once(whom: str) -> None:
    number = signal.SIGINT if whom == "group" else signal.SIGTERM
    with start(600, sys.executable, "-c", COUNTS) as stopping:
        assert stopping.stdout and stopping.stdout.readline() == "ready\n"
        (os.killpg if whom == "group" else os.kill)(stopping.pid, number)
        assert stopping.stdout.read().split() == [str(int(number))]
    assert stopping.returncode == 7


def test_what_runs_too_long() -> None:
    with start(0.5, "sleep", "600") as stopping:
        said = stopping.communicate()[1]
    assert (stopping.returncode, said) == (LATE, "stopped: it has run for 0.5 s\n")


@pytest.mark.parametrize(("code", "status"), [("exit 3", 3), ("kill -9 $$", 137)])
def test_the_status_is_that_of_the_command(code: str, status: int) -> None:
    with start(600, "sh", "-c", code) as stopping:
        stopping.communicate()
    assert stopping.returncode == status
