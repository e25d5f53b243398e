"""What git says, as the log and the progress get it."""

import json
from pathlib import Path

import pytest

from orchestrator.builtin.checkout.console import Console

SAID = (
    b"remote: Counting objects:  50% (1/2)\x1b[K\r"
    b"remote: Counting objects: 100% (2/2), done.\x1b[K\n"
    b"host key \x1b[31mred\x07 refused.\r\n"
    b"two\rthree\nReceiving objects:  10% (5/50)\rReceiving objects:  12% (6/50)   \x1b["
)
LINES = [
    "remote: Counting objects: 100% (2/2), done.",
    "host key red? refused.",
    "three",
]


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_lines_and_progress(tmp_path: Path, capsys: pytest.CaptureFixture[str], size: int) -> None:
    progress = tmp_path / "progress"
    console = Console(progress)
    for at in range(0, len(SAID), size):
        console.take(SAID[at : at + size])
    console.take(b"")
    assert capsys.readouterr().out.splitlines() == LINES
    assert list(console.lines) == LINES
    assert json.loads(progress.read_bytes()) == [1, 2, "Counting objects"]


def test_a_last_line_without_an_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(tmp_path / "progress")
    console.take(b"fatal: x")
    console.take(b"")
    assert capsys.readouterr().out == "fatal: x\n"
