"""`python -m tests.proof [NAME …]` runs proofs; with `--current` it tells which are outdated.

A proof whose row is current is not run again unless it is named, so that a run that was broken
off goes on where it stopped.
"""

import argparse
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
    newest = proof_age.newest_change()
    for proof in (outdated := _outdated()):
        print(f"{proof.name} is older than {newest[:10]}; run: make proof PROOF={proof.name}")
    return 1 if outdated else 0


def _prove(proof: Proof) -> bool:
    """Run one and write its row. A failure leaves the row as it was."""
    command = [sys.executable, "-m", "pytest", "--effort", "proof", "-n", proof.workers]
    print(f"proof {proof.name}: {proof.what}", flush=True)
    began = time.monotonic()
    with subprocess.Popen(
        [*command, *proof.tests], cwd=proof_age.ROOT, stdout=subprocess.PIPE, text=True
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
        print(f"proof {proof.name} failed: exit {tests.returncode}, figures {figures}")
        return False
    minutes = (time.monotonic() - began) / 60
    _write(proof.name, f"{figures[0]}; {minutes:.0f} min")
    return True


def _write(name: str, figures: str) -> None:
    page = PAGE.read_text()
    commit = proof_age.git("rev-parse", "--short=10", "HEAD")
    row = Row(figures.replace("|", "/"), commit, datetime.now(UTC).date().isoformat())
    PAGE.write_text(proof_page.written(page, proof_page.read(page) | {name: row}))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
