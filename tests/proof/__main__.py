"""`python -m tests.proof [NAME …]` runs proofs; with `--current` it tells which are outdated.

A proof whose row is current is not run again unless it is named, so that a run that was broken
off goes on where it stopped.
"""

import argparse
import subprocess
import sys

from tests.ambient import stop_as_by_keyboard
from tests.proof import proof_age, proof_page
from tests.proof.proofs import PROOFS, Proof
from tests.proof.proving import prove

BY_NAME = {proof.name: proof for proof in PROOFS}


def main(words: list[str]) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof")
    parser.add_argument("--current", action="store_true", help="run nothing; 1 if one is outdated")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BY_NAME)}")
    given = parser.parse_args(words)
    if unknown := [name for name in given.names if name not in BY_NAME]:
        parser.error(f"no such proof: {', '.join(unknown)} (there are {', '.join(BY_NAME)})")
    if given.current:
        return _report_outdated()
    if changed := proof_age.uncommitted():
        print(f"A proof names a commit; commit this first:\n{changed}", file=sys.stderr)
        return 1
    chosen = [BY_NAME[name] for name in given.names] or _outdated()
    if not chosen:
        print("every proof is as new as the code; PROOF=NAME runs one again")
    failed = [proof.name for proof in chosen if not prove(proof)]
    if failed:
        print(f"not proven: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _rows() -> dict[str, proof_page.Row]:
    return proof_page.read((proof_age.ROOT / proof_age.PAGE).read_text())


def _outdated() -> list[Proof]:
    rows = _rows()
    return [
        proof
        for proof in PROOFS
        if proof.name not in rows or not proof_age.is_current(rows[proof.name].commit, proof.about)
    ]


def _report_outdated() -> int:
    rows = _rows()
    for proof in (outdated := _outdated()):
        newest = proof_age.newest_change(proof.about)
        why = f"is older than {newest[:10]}" if proof.name in rows else "was never run"
        print(f"{proof.name} {why}; run: make proof PROOF={proof.name}")
    if not outdated:
        print("every proof is as new as the code")
    return 1 if outdated else 0


if __name__ == "__main__":
    stop_as_by_keyboard()
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("broken off; make proof goes on with what was not proven")
    except proof_age.NoHistory as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError as error:
        sys.exit(f"git: {error.stderr.strip()} (a proof names a commit of a git checkout)")
