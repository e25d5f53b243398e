"""`python -m tests.simulation SEED`: the journal of one seed, a line an event, and a verdict.

Whatever breaks is told by the last line, after the journal up to it and a traceback.
"""

import argparse
import signal
import sys
import traceback

from tests.simulation.sim_run import Lines, simulate


def main(words: list[str]) -> int:
    """Print what happens under the seed that was given; 1 where a rule is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("seed", type=int)
    seed: int = parser.parse_args(words).seed
    lines: Lines = []
    try:
        report = simulate(seed, lines)
    except Exception as error:
        _print(lines)
        traceback.print_exc()
        print(f"seed {seed}: {len(lines)} events, then {_told(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"seed {seed}: stopped after {len(lines)} events", file=sys.stderr)
        return 128 + signal.SIGINT
    _print(lines)
    print(f"seed {seed}: {len(lines)} events, {report.jobs} jobs, no rule broken")
    return 0


def _print(lines: Lines) -> None:
    for id, stamped in lines:
        print(id, stamped)
    sys.stdout.flush()  # before what goes to stderr


def _told(error: BaseException) -> str:
    """The first cause, out of the groups that nurseries make."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a reader may go away, as `head` does
    sys.exit(main(sys.argv[1:]))
