"""What an attempt wrote, masked at its end: in place, with its holes, whatever is large."""

import os
from pathlib import Path

import trio

from orchestrator.engine.secrets.log_masking import mask_attempt, mask_file
from orchestrator.engine.secrets.masking import Masks
from orchestrator.process.log_limit import drop_middle

MASKS = Masks.of(["hunter2"])


def test_offsets_times_and_modes_stay(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"a hunter2 b\n")
    log.chmod(0o600)
    os.utime(log, ns=(1, 2))
    mask_file(log, MASKS)
    assert log.read_bytes() == b"a ******* b\n"
    assert (log.stat().st_mtime_ns, log.stat().st_mode & 0o777) == (2, 0o600)
    assert list(tmp_path.iterdir()) == [log]


def test_a_file_without_secrets_stays(tmp_path: Path) -> None:
    """A file without a secret is left as it is."""
    log = tmp_path / "log"
    log.write_bytes(b"nothing here\n")
    before = log.stat().st_ino
    mask_file(log, MASKS)
    assert log.stat().st_ino == before


def test_what_was_dropped_stays_a_hole(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"hunter2\n" * 100_000)
    with log.open("r+b") as file:
        drop_middle(file.fileno(), 64 << 10)
    size, blocks = log.stat().st_size, log.stat().st_blocks
    mask_file(log, MASKS)
    assert log.stat().st_size == size
    assert log.stat().st_blocks <= blocks + 8
    assert b"hunter2" not in log.read_bytes()
    assert log.read_bytes().startswith(b"*******\n")
    assert log.read_bytes().endswith(b"*******\n")


def test_the_log_and_what_processes_wrote_apart(tmp_path: Path) -> None:
    (tmp_path / "processes").mkdir()
    files = [tmp_path / "log", tmp_path / "processes" / "apply-run.stdout"]
    large = b"x" * ((1 << 20) - 3) + b"hunter2" + b"y" * 100
    for file in files:
        file.write_bytes(large)
    trio.run(mask_attempt, tmp_path, MASKS)
    for file in files:
        assert file.read_bytes() == large.replace(b"hunter2", b"*******")


def test_a_left_draft_is_written_anew(tmp_path: Path) -> None:
    """A draft of a killed daemon is written anew."""
    log = tmp_path / "log"
    log.write_bytes(b"hunter2\n")
    (tmp_path / "log.masked").write_bytes(b"half of it and too long by far")
    mask_file(log, MASKS)
    assert log.read_bytes() == b"*******\n"
