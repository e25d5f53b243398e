"""`python -m tests.simulation SEED` simulates one seed and prints its journal, a line an event.

A violation is a traceback after the journal up to it.
"""

import argparse

from tests.simulation.sim_run import Lines, simulate


def main() -> None:
    """Print what happens under the seed that was given."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("seed", type=int)
    lines: Lines = []
    try:
        simulate(parser.parse_args().seed, lines)
    finally:
        for id, stamped in lines:
            print(id, stamped)


if __name__ == "__main__":
    main()
