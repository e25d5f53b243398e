"""A process starts once, as ordered, ends, and its end is on disk."""

import json
import os
import stat
import sys
from pathlib import Path

import pytest
import trio

from orchestrator.process.errors import KeeperUnavailable, ProcessNotStarted, StartRefused
from orchestrator.process.host import ProcessHost
from orchestrator.process.state import Exited, NotStarted, ProcessExit, Running, Void
from tests.process.process_bench import Bench


async def test_exit_code_is_seen_and_recorded(bench: Bench) -> None:
    directory = bench.directory()
    assert bench.host.look(directory) == NotStarted()
    await bench.host.start(directory, bench.python("process", "print('hi'); raise SystemExit(3)"))
    exit = await bench.host.wait(directory)
    assert exit == ProcessExit(code=3)
    assert bench.host.look(directory) == Exited(exit)
    assert bench.log() == "hi\n"


async def test_signal_is_told_from_an_exit_code(bench: Bench) -> None:
    directory = bench.directory()
    await bench.host.start(directory, bench.python("process", "os.kill(os.getpid(), 9)"))
    assert await bench.host.wait(directory) == ProcessExit(signal=9)


async def test_start_twice_runs_once(bench: Bench) -> None:
    directory = bench.directory()
    spec = bench.python("process", "")
    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(bench.host.start, directory, spec)
    assert await bench.host.wait(directory) == ProcessExit(code=0)
    await bench.host.start(directory, spec)
    assert bench.run_count() == 1


async def test_running_tool_leads_its_session(bench: Bench) -> None:
    directory = bench.directory()
    await bench.host.start(directory, bench.gated())
    now = bench.host.look(directory)
    assert isinstance(now, Running)
    await bench.until(bench.run_count)
    assert now.session == now.pid == os.getsid(now.pid)
    bench.open_gate()
    assert (await bench.host.wait(directory)).code == 7


async def test_void_directory_never_starts(bench: Bench) -> None:
    directory = bench.directory()
    assert bench.host.void(directory)
    assert bench.host.void(directory)
    await bench.host.start(directory, bench.python("process", ""))
    assert bench.host.look(directory) == Void()
    assert bench.host.is_tree_dead(directory)
    with pytest.raises(ProcessNotStarted):
        await bench.host.wait(directory)
    assert bench.run_count() == 0


async def test_started_directory_cannot_be_voided(bench: Bench) -> None:
    directory = bench.directory()
    await bench.host.start(directory, bench.spec("process", "true"))
    assert not bench.host.void(directory)
    assert (await bench.host.wait(directory)).code == 0


async def test_waiting_where_nothing_started_raises(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(ProcessNotStarted):
        await bench.host.wait(tmp_path)


async def test_environment_is_the_given_one_and_the_marker(bench: Bench) -> None:
    env = {"A": "b=c\nd", "EMPTY": "", "ÜMLAUT": "\udcff"}
    code = "import json, os; print(json.dumps({k: v for k, v in os.environ.items()}))"
    argv = (sys.executable, "-S", "-E", "-X", "utf8", "-c", code)
    await bench.host.start(bench.directory(), bench.spec("process", *argv, env=env))
    await bench.host.wait(bench.directory())
    seen = json.loads(bench.log())
    assert seen.pop("ORCHESTRATOR_PROCESS")
    seen.pop("LC_CTYPE", None)  # Python itself sets it in the C locale
    assert seen == env


async def test_tool_starts_with_nothing_of_ours(bench: Bench) -> None:
    code = """
import json, resource
lines = dict(l.split(":\\t", 1) for l in open("/proc/self/status").read().splitlines())
umask = os.umask(0)
try:
    tty = bool(os.open("/dev/tty", os.O_RDWR))
except OSError:
    tty = False
print(json.dumps({
    "fds": sorted(int(n) for n in os.listdir("/proc/self/fd"))[:-1],
    "stdin": os.readlink("/proc/self/fd/0"), "umask": umask, "tty": tty,
    "core": resource.getrlimit(resource.RLIMIT_CORE), "cwd": os.getcwd(),
    "blocked": lines["SigBlk"], "ignored": lines["SigIgn"], "leader": os.getsid(0) == os.getpid(),
}))
"""
    await bench.host.start(bench.directory(), bench.python("process", code))
    assert (await bench.host.wait(bench.directory())).code == 0, bench.log()
    python_ignores = 1 << 12 | 1 << 24  # SIGPIPE and SIGXFSZ, which the tool, a Python, sets itself
    libc_keeps = 1 << 31 | 1 << 32  # signals 32 and 33: whoever started us may ignore them
    seen = json.loads(bench.log())
    assert int(seen.pop("ignored"), 16) & ~libc_keeps == python_ignores
    assert int(seen.pop("blocked"), 16) == 0
    assert seen == {
        "fds": [0, 1, 2],
        "stdin": "/dev/null",
        "umask": 0o077,
        "tty": False,
        "core": [0, 0],
        "cwd": str(bench.root),
        "leader": True,
    }


async def test_stdout_and_stderr_are_appended_to_private_files(bench: Bench) -> None:
    stdout, stderr = bench.root / "out", bench.root / "err"
    stdout.write_text("before\n")
    fields = {"stdout": str(stdout), "stderr": str(stderr)}
    code = "import sys; print('o'); print('e', file=sys.stderr)"
    await bench.host.start(bench.directory(), bench.python("process", code, **fields))
    await bench.host.wait(bench.directory())
    assert stdout.read_text() == "before\no\n"
    assert stderr.read_text() == "e\n"
    assert stat.S_IMODE(stderr.stat().st_mode) == 0o600


async def test_nothing_secret_lies_on_disk(bench: Bench) -> None:
    spec = bench.gated()
    secret = bench.spec("process", *spec.argv, env={"TOKEN": "hunter2"})
    await bench.host.start(bench.directory(), secret)
    for path in bench.root.rglob("*"):
        assert not path.is_file() or b"hunter2" not in path.read_bytes()
        assert "attempts" not in path.parts or not stat.S_IMODE(path.stat().st_mode) & 0o077


@pytest.mark.parametrize(
    ("argv", "code", "error"),
    [
        (("foo",), 127, "command not found: foo"),
        (("./foo",), 127, "no such file: ./foo"),
        (("./not-executable",), 126, "cannot execute ./not-executable: Permission denied"),
        (("./no-format",), 126, "cannot execute ./no-format: Exec format error"),
        (("./no-interpreter",), 127, "./no-interpreter: its interpreter (#! line) does not exist"),
        (("/",), 126, "cannot execute /: Permission denied"),
        pytest.param(
            *(("true", "x" * 200_000), 126, "cannot execute true: Argument list too long"),
            id="too long",
        ),
    ],
)
async def test_what_cannot_be_executed_says_why(
    bench: Bench, argv: tuple[str, ...], code: int, error: str
) -> None:
    (bench.root / "not-executable").write_text("")
    (bench.root / "no-format").write_text("text")
    (bench.root / "no-interpreter").write_text("#!/no/such/thing\n")
    (bench.root / "no-format").chmod(0o700)
    (bench.root / "no-interpreter").chmod(0o700)
    await bench.host.start(bench.directory(), bench.spec("process", *argv))
    assert await bench.host.wait(bench.directory()) == ProcessExit(code=code, error=error)


async def test_missing_working_directory_is_named(bench: Bench) -> None:
    await bench.host.start(bench.directory(), bench.spec("process", "true", cwd="/no/such"))
    exit = await bench.host.wait(bench.directory())
    assert exit.code == 126
    reason = "cannot enter the working directory /no/such: No such file or directory"
    assert exit.error == reason


async def test_log_that_cannot_be_opened_is_named(bench: Bench) -> None:
    await bench.host.start(bench.directory(), bench.spec("process", "true", stdout="/no/such"))
    exit = await bench.host.wait(bench.directory())
    assert exit.code == 126
    assert exit.error == "cannot start the process: /no/such: No such file or directory"
    assert bench.host.is_tree_dead(bench.directory())


async def test_a_command_may_exit_with_127(bench: Bench) -> None:
    """A command that itself exits with 127 has no error."""
    await bench.host.start(bench.directory(), bench.spec("process", "sh", "-c", "exit 127"))
    assert await bench.host.wait(bench.directory()) == ProcessExit(code=127)


async def test_directory_that_cannot_be_entered_is_refused(bench: Bench) -> None:
    bench.directory().parent.mkdir()
    bench.directory().write_text("a file")
    with pytest.raises(FileExistsError):
        await bench.host.start(bench.directory(), bench.spec("process", "true"))
    wrong = bench.root / "removed"
    wrong.mkdir()
    (wrong / "alive").mkdir()  # where the supervisor makes its FIFO
    with pytest.raises(StartRefused, match="Is a directory"):
        await bench.host.start(wrong, bench.spec("process", "true"))
    assert bench.host.look(wrong) == NotStarted()


@pytest.mark.parametrize(
    "fields", [{"argv": ()}, {"cwd": "relative"}, {"env": {"A=B": ""}}, {"env": {"A": "\0"}}]
)
async def test_impossible_specs_are_refused(bench: Bench, fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"argv is empty|not an absolute|name of a variable|NUL"):
        await bench.host.start(bench.directory(), bench.spec("process", "true", **fields))


async def test_runtime_directory_that_cannot_be_made_is_named(bench: Bench) -> None:
    blocked = bench.root / "file"
    blocked.write_text("")
    host = ProcessHost(blocked / "run")
    with pytest.raises(KeeperUnavailable, match="cannot write there: Not a directory"):
        await host.start(bench.directory(), bench.spec("process", "true"))


async def test_descriptors_are_given_back(bench: Bench) -> None:
    await bench.host.start(bench.directory("first"), bench.spec("first", "true"))
    before = descriptors()
    for number in range(3):
        directory = bench.directory(f"p{number}")
        await bench.host.start(directory, bench.spec("process", "sleep", "60"))
        with trio.move_on_after(0.05):
            await bench.host.wait(directory)
        await bench.host.signal_once(directory, "stop", 15)
        await bench.host.wait(directory)
        await bench.host.sweep(directory)
    assert descriptors() == before


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
