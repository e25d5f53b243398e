"""A tool's log is whole whoever dies, and an oversized one loses only its middle."""

import os
from pathlib import Path

import pytest

from orchestrator.process.log_limit import drop_middle
from orchestrator.process.state import ProcessExit
from tests import needs
from tests.process.process_bench import Bench

pytestmark = needs.HOLES
LINES = 40_000
WRITER = (
    f"import sys\nfor n in range({LINES}): sys.stdout.write(f'{{n:09}}\\n')\nsys.stdout.flush()"
)


def numbered(first: int, last: int) -> bytes:
    return b"".join(b"%09d\n" % number for number in range(first, last))


async def test_log_is_whole_after_the_daemon_was_killed(bench: Bench) -> None:
    code = "open('gate').read()\n" + WRITER  # it writes when nobody is there to read
    os.mkfifo(bench.root / "gate")
    daemon = bench.daemon(bench.python("process", code))
    await bench.told(daemon, "started")
    daemon.kill()
    daemon.wait()
    bench.kill(bench.keeper())
    bench.open_gate()
    assert await bench.host.wait(bench.directory()) == ProcessExit(code=0)
    assert bench.log().encode() == numbered(0, LINES)


def test_middle_is_dropped_once_the_limit_is_passed(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(numbered(0, 10_000))
    log = os.open(path, os.O_RDWR)
    drop_middle(log, 100_000)
    assert path.read_bytes() == numbered(0, 10_000)  # exactly at the limit
    with path.open("ab") as more:
        more.write(numbered(10_000, 50_000))
    drop_middle(log, 100_000)
    os.close(log)
    content = path.read_bytes()
    assert len(content) == 500_000
    assert path.stat().st_blocks * 512 <= 100_000
    assert content.startswith(numbered(0, 2_500))
    assert content.endswith(numbered(45_000, 50_000))
    assert content.strip(b"\n0123456789") == bytes(content.count(0))  # one hole


def test_dropping_again_extends_the_hole(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.touch()
    log = os.open(path, os.O_RDWR)
    for start in range(0, 100_000, 10_000):
        with path.open("ab") as more:
            more.write(numbered(start, start + 10_000))
        drop_middle(log, 60_000)
    os.close(log)
    content = path.read_bytes()
    assert path.stat().st_blocks * 512 <= 60_000
    assert content.startswith(numbered(0, 1_500))
    assert content.endswith(numbered(97_000, 100_000))


@pytest.mark.slow
async def test_running_tools_log_is_kept_within_its_limit(bench: Bench) -> None:
    code = WRITER + "\nopen('gate').read(); print('the end')"
    os.mkfifo(bench.root / "gate")
    await bench.host.start(bench.directory(), bench.python("process", code, max_log_bytes=100_000))
    log = bench.root / "process.log"
    await bench.until(lambda: log.exists() and log.stat().st_size == LINES * 10)
    await bench.until(lambda: log.stat().st_blocks * 512 <= 100_000)
    bench.open_gate()
    assert await bench.host.wait(bench.directory()) == ProcessExit(code=0)
    content = log.read_bytes()
    assert content.startswith(numbered(0, 2_500))
    assert content.endswith(numbered(LINES - 4_000, LINES) + b"the end\n")
    assert len(content) == LINES * 10 + len(b"the end\n")
