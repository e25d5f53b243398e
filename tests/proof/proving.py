"""Runs one proof and writes its row in docs/proof.md."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.ambient import inner_environment
from tests.proof import proof_age, proof_page
from tests.proof.proof_page import Row
from tests.proof.proofs import Proof

Command = Callable[[Proof], Sequence[str]]


def pytest_of(proof: Proof) -> Sequence[str]:
    """The command that runs a proof."""
    options = ("--effort", "proof", "-n", proof.workers)
    return [sys.executable, "-m", "pytest", *options, *proof.tests]


def prove(proof: Proof, root: Path = proof_age.ROOT, command: Command = pytest_of) -> bool:
    """Run one and write its row. A failure leaves the row as it was."""
    commit = proof_age.git("rev-parse", "--short=10", "HEAD", root=root)
    print(f"proof {proof.name}: {proof.what}", flush=True)
    began = time.monotonic()
    with _running(command(proof), root) as tests:
        lines = list(_printed(tests))
    figures = [
        match[1] for line in lines if (match := re.match(rf"proof {proof.name}: (.*)", line))
    ]
    why = why_not(proof, tests.returncode, lines, figures)
    if not why and _is_another(commit, root):
        why = "it speaks of no commit: the code was changed while it ran"
    if why:
        print(f"proof {proof.name} failed: {why}")
        return False
    minutes = (time.monotonic() - began) / 60
    _write(proof.name, commit, f"{figures[0]}; {minutes:.0f} min", root / proof_age.PAGE)
    return True


def why_not(proof: Proof, status: int, lines: Sequence[str], figures: Sequence[str]) -> str:
    """What is wrong with what a run printed; nothing where it is a proof."""
    if status != 0 or len(figures) != 1:
        said = f"{len(figures)} lines of figures" if figures else "nothing was reported"
        return f"exit {status}, {said}"
    if "-m" not in proof.tests and re.search(r"\b\d+ deselected", lines[-1]):
        return f"tests were left out: {lines[-1].strip()}"
    least, noun = proof.least
    found = re.search(rf"\b([\d,]+) {noun}\b", figures[0])
    if found is None or int(found[1].replace(",", "")) < least:
        return f"fewer than {least:,} {noun}: {figures[0]}"
    return ""


@contextmanager
def _running(command: Sequence[str], root: Path) -> Iterator[subprocess.Popen[str]]:
    """It runs as in CI, where a test that is skipped for a missing thing fails.

    In a session of its own, so that Ctrl-C reaches it once, by us; it has ended after the block.
    """
    with subprocess.Popen(
        command,
        cwd=root,
        env={**inner_environment(), "CI": "true"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as tests:
        try:
            yield tests
        finally:
            if tests.poll() is None:
                tests.terminate()
                tests.wait()


def _printed(tests: subprocess.Popen[str]) -> Iterator[str]:
    """What it prints, line by line, printed; returns when it has ended."""
    assert tests.stdout
    for line in tests.stdout:
        print(line, end="", flush=True)
        yield line
    tests.wait()


def _is_another(commit: str, root: Path) -> bool:
    head = proof_age.git("rev-parse", "HEAD", root=root)
    return not head.startswith(commit) or bool(proof_age.uncommitted(root))


def _write(name: str, commit: str, figures: str, file: Path) -> None:
    page = file.read_text()
    row = Row(figures.replace("|", "/"), commit, datetime.now(UTC).date().isoformat())
    file.write_text(proof_page.written(page, proof_page.read(page) | {name: row}))
