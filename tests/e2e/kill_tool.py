"""The tool of the kill tests: run as `kill_tool.py TRACE LINES EXIT`.

It appends one JSON line to TRACE when it begins and one when it ends, with the boot-time clock,
and writes LINES numbered lines meanwhile. SIGTERM ends it early, with exit 143.
"""

import json
import os
import signal
import sys
import time


def main(trace: str, lines: int, code: int) -> int:
    """Work."""
    file = os.open(trace, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    who = {
        "job": int(os.environ["ORCHESTRATOR_JOB_ID"]),
        "step": os.environ["ORCHESTRATOR_STEP"],
        "attempt": int(os.environ["ORCHESTRATOR_ATTEMPT"]),
        "environment": os.environ["ORCHESTRATOR_ENVIRONMENT"],
        "kind": os.environ["ORCHESTRATOR_KIND"],
        "pid": os.getpid(),
    }
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))

    def tell(**more: object) -> None:
        now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        os.write(file, json.dumps({**who, **more, "at": now}).encode() + b"\n")

    tell(event="begin")
    written = 0
    while written < lines and not stopped:
        print(f"line {written}", flush=True)
        written += 1
        time.sleep(0.01)
    status = 143 if stopped else code
    tell(event="end", lines=written, exit=status, signals=len(stopped))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
