"""`python -m tests.proof [NAME …]` runs proofs; with `--current` it tells which are outdated.

A proof whose row is current is not run again unless it is named, so that a run that was broken
off goes on where it stopped.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime

from tests.proof import proof_age, proof_page
from tests.proof.proof_page import Row
from tests.proof.proofs import PROOFS, Proof

PAGE = proof_age.ROOT / "docs" / "proof.md"
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
    failed = [proof.name for proof in chosen if not _prove(proof)]
    if failed:
        print(f"not proven: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _outdated() -> list[Proof]:
    rows = proof_page.read(PAGE.read_text())
    return [
        proof
        for proof in PROOFS
        if proof.name not in rows or not proof_age.is_current(rows[proof.name].commit)
    ]


def _report_outdated() -> int:
    newest, rows = proof_age.newest_change(), proof_page.read(PAGE.read_text())
    for proof in (outdated := _outdated()):
        why = f"is older than {newest[:10]}" if proof.name in rows else "was never run"
        print(f"{proof.name} {why}; run: make proof PROOF={proof.name}")
    if not outdated:
        print("every proof is as new as the code")
    return 1 if outdated else 0


def _prove(proof: Proof) -> bool:
    """Run one and write its row. A failure leaves the row as it was.

    It runs as in CI, where a test that is skipped for a missing thing fails.
    """
    commit = proof_age.git("rev-parse", "--short=10", "HEAD")
    command = [sys.executable, "-m", "pytest", "--effort", "proof", "-n", proof.workers]
    print(f"proof {proof.name}: {proof.what}", flush=True)
    began = time.monotonic()
    with subprocess.Popen(
        [*command, *proof.tests],
        cwd=proof_age.ROOT,
        env={**os.environ, "CI": "true"},
        stdout=subprocess.PIPE,
        text=True,
    ) as tests:
        assert tests.stdout
        lines = []
        for line in tests.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    figures = [
        match[1] for line in lines if (match := re.match(rf"proof {proof.name}: (.*)", line))
    ]
    if tests.returncode != 0 or len(figures) != 1:
        said = f"{len(figures)} lines of figures" if figures else "nothing was reported"
        print(f"proof {proof.name} failed: exit {tests.returncode}, {said}")
        return False
    if not proof_age.git("rev-parse", "HEAD").startswith(commit) or proof_age.uncommitted():
        print(f"proof {proof.name} speaks of no commit: the code was changed while it ran")
        return False
    minutes = (time.monotonic() - began) / 60
    _write(proof.name, commit, f"{figures[0]}; {minutes:.0f} min")
    return True


def _write(name: str, commit: str, figures: str) -> None:
    page = PAGE.read_text()
    row = Row(figures.replace("|", "/"), commit, datetime.now(UTC).date().isoformat())
    PAGE.write_text(proof_page.written(page, proof_page.read(page) | {name: row}))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("broken off; make proof goes on with what was not proven")
    except subprocess.CalledProcessError as error:
        sys.exit(f"git: {error.stderr.strip()} (a proof names a commit of a git checkout)")
