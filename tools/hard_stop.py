"""`python -m tools.hard_stop SECONDS COMMAND …`: interrupt a command that goes on beyond its time.

As `timeout --foreground --signal=INT --kill-after=60` does, but for Ctrl-C: the terminal sends that
to all, and `timeout` sends it a second time, in the middle of what the command then tidies up.
"""

import signal
import subprocess
import sys
from types import FrameType

GRACE = 60.0
"""Seconds between the interrupt and the kill."""
LATE = 124
"""The exit status of what went on too long; that of `timeout`."""


def run(seconds: float, command: list[str], grace: float = GRACE) -> int:
    """The exit status of the command, as a shell tells it."""
    signal.signal(signal.SIGINT, _leave_it)
    with subprocess.Popen(command) as running:

        def pass_on(number: int, _: FrameType | None) -> None:
            running.send_signal(number)

        signal.signal(signal.SIGTERM, pass_on)
        signal.signal(signal.SIGHUP, pass_on)
        try:
            status = running.wait(seconds)
        except subprocess.TimeoutExpired:
            print(f"stopped: it has run for {seconds:g} s", file=sys.stderr)
            running.send_signal(signal.SIGINT)
            _end(running, grace)
            return LATE
    return status if status >= 0 else 128 - status


def _leave_it(number: int, frame: FrameType | None) -> None:
    """Not ignored: the command would inherit that."""


def _end(running: subprocess.Popen[bytes], grace: float) -> None:
    try:
        running.wait(grace)
    except subprocess.TimeoutExpired:
        running.kill()


if __name__ == "__main__":
    sys.exit(run(float(sys.argv[1]), sys.argv[2:]))
