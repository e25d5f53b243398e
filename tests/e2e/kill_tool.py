"""The tool of the kill tests: run as `kill_tool.py TRACE LINES EXIT LINGER [PART]`.

It appends one JSON line to TRACE when it begins and one when it ends, with the boot-time clock,
and writes LINES numbered lines meanwhile. SIGTERM ends it early, LINGER lines later, with exit 143;
SIGUSR1 ends it as if it had written all, so that a test needs not wait for what it held at work.
PART says which process of its step it is; the one that does the step's work has none.
"""

import json
import os
import signal
import sys
import time


def main(trace: str, numbers: list[int], part: str = "") -> int:
    """Work."""
    lines, code, linger = numbers
    file = os.open(trace, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    who = {
        "job": int(os.environ["ORCHESTRATOR_JOB_ID"]),
        "step": os.environ["ORCHESTRATOR_STEP"],
        "attempt": int(os.environ["ORCHESTRATOR_ATTEMPT"]),
        "environment": os.environ["ORCHESTRATOR_ENVIRONMENT"],
        "kind": os.environ["ORCHESTRATOR_KIND"],
        "pid": os.getpid(),
        "part": part,
    }
    stopped: list[int] = []
    released: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))
    signal.signal(signal.SIGUSR1, lambda number, frame: released.append(number))

    def tell(**more: object) -> None:
        now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        os.write(file, json.dumps({**who, **more, "at": now}).encode() + b"\n")

    tell(event="begin")
    written = 0
    while written < lines and not released and not (stopped and linger == 0):
        print(f"{part}line {written}", flush=True)
        written += 1
        linger -= bool(stopped)
        time.sleep(0.01)
    status = 143 if stopped else code
    tell(event="end", lines=written, exit=status, signals=len(stopped))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], [int(number) for number in sys.argv[2:5]], *sys.argv[5:]))
