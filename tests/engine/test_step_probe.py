"""`probe`: what it answers, and that it never outlives whoever asked."""

import json
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from orchestrator.plugin import AdapterError, Completed
from tests.engine.step_bench import StepBench, open_step_bench, python, read_fifo


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[StepBench]:
    async with open_step_bench(tmp_path) as bench:
        yield bench


SAYS_PID_AND_STAYS = """
import os, signal, subprocess, sys
child = subprocess.Popen(["sleep", "1000"])
open(sys.argv[1], "w").write(f"{os.getpid()} {child.pid}")
signal.pause()
"""


async def pids_of(path: Path) -> list[int]:
    """Descriptors that become readable when the processes end, whoever reaps them."""
    return [os.pidfd_open(int(pid)) for pid in (await read_fifo(path)).split()]


async def all_end(descriptors: list[int]) -> None:
    with trio.fail_after(30):
        for descriptor in descriptors:
            await trio.lowlevel.wait_readable(descriptor)
            os.close(descriptor)


async def test_answer(bench: StepBench) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(2)"
    assert await bench.step().probe(python(code)) == Completed(2, "out\n", "err\n")
    assert bench.journal.intents == []


async def test_end_by_signal_is_negative(bench: StepBench) -> None:
    code = "import os; os.kill(os.getpid(), 15)"
    assert (await bench.step().probe(python(code))).code == -signal.SIGTERM


async def test_what_is_not_text_is_replaced(bench: StepBench) -> None:
    code = r"import os; os.write(1, b'a\xff')"
    assert (await bench.step().probe(python(code))).stdout == "a\ufffd"


async def test_more_output_than_a_pipe_holds(bench: StepBench) -> None:
    done = await bench.step().probe(python("print('x' * 1_000_000)"))
    assert len(done.stdout) == 1_000_001


SHOWS_SURROUNDINGS = """
import json, os, stat, sys
mode = os.umask(0)
print(json.dumps({
    "env": dict(os.environ), "cwd": os.getcwd(), "stdin": os.readlink("/proc/self/fd/0"),
    "umask": mode, "leads": os.getsid(0) == os.getpid(), "fds": sorted(os.listdir("/proc/self/fd")),
}))
"""


async def test_surroundings(bench: StepBench) -> None:
    env = {"LC_ALL": "C.UTF-8", "TWO": "lines\nof text"}
    done = await bench.step().probe(python(SHOWS_SURROUNDINGS), env=env)
    seen = json.loads(done.stdout)
    assert seen["env"] == bench.env | env
    assert seen["cwd"] == str(bench.paths().workdir)
    assert seen["stdin"] == "/dev/null"
    assert seen["umask"] == 0o077
    assert seen["leads"]
    assert len(seen["fds"]) == 4  # the standard ones, and the one that lists them


async def test_timeout_kills_the_whole_session(bench: StepBench) -> None:
    said = bench.fifo("said")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_expect_timeout, bench, said)
        ends = await pids_of(said)
        await all_end(ends)


async def _expect_timeout(bench: StepBench, said: Path) -> None:
    with pytest.raises(AdapterError, match=r"did not answer within 0\.5 s"):
        await bench.step().probe(python(SAYS_PID_AND_STAYS, said), timeout=0.5)


async def test_cancel_kills_the_whole_session(bench: StepBench) -> None:
    said = bench.fifo("said")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.step().probe, python(SAYS_PID_AND_STAYS, said))
        ends = await pids_of(said)
        nursery.cancel_scope.cancel()
    await all_end(ends)


async def test_children_left_behind_do_not_hold_it_up(bench: StepBench) -> None:
    code = "import subprocess; print(subprocess.Popen(['sleep', '1000']).pid)"
    with trio.fail_after(30):
        done = await bench.step().probe(python(code))
    assert done.code == 0
    with pytest.raises(ProcessLookupError):
        await all_end([os.pidfd_open(int(done.stdout))])
        raise ProcessLookupError


async def test_daemon_that_is_killed_takes_its_probes_along(bench: StepBench) -> None:
    said = bench.fifo("said")
    code = (
        "import sys, trio; from pathlib import Path\n"
        "from orchestrator.engine.attempt.step_probe import probe\n"
        "trio.run(probe, sys.argv[1:], {}, Path('/'), 1000)"
    )
    probed = python(SAYS_PID_AND_STAYS, said)
    daemon = await trio.lowlevel.open_process([sys.executable, "-c", code, *probed])
    ends = await pids_of(said)
    daemon.kill()
    await all_end(ends)
    await daemon.wait()


async def test_a_probe_lets_go(
    bench: StepBench,
) -> None:
    """A probe that holds something lets go when nobody asks any more."""
    said, lock = bench.fifo("said"), bench.state_dir / "lock"
    code = (
        "import os, signal, sys, time; from pathlib import Path\n"
        "lock = Path(sys.argv[2]); lock.touch()\n"
        "signal.signal(signal.SIGTERM, lambda *_: (lock.unlink(), sys.exit()))\n"
        "Path(sys.argv[1]).write_text(f'{os.getpid()} {os.getpid()}')\n"
        "signal.pause()"
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.step().probe, python(code, said, lock))
        ends = await pids_of(said)
        assert lock.exists()
        nursery.cancel_scope.cancel()
    await all_end(ends)
    assert not lock.exists()


@pytest.mark.parametrize("command", ["no-such-command-here", "/etc/passwd"])
async def test_command_that_cannot_be_executed(bench: StepBench, command: str) -> None:
    with pytest.raises(AdapterError, match=f"{command} was not started"):
        await bench.step().probe([command])


async def test_directory_that_does_not_exist(bench: StepBench) -> None:
    with pytest.raises(AdapterError, match="was not started"):
        await bench.step().probe(["true"], cwd=bench.state_dir / "missing")


async def test_files_that_it_makes_are_private(bench: StepBench) -> None:
    await bench.step().probe(["touch", "made"])
    made = bench.paths().workdir / "made"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
