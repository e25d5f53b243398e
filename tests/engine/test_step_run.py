"""`run`: a process starts once, is adopted, and its end is remembered."""

import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from orchestrator.engine.attempt.attempt_paths import AttemptPaths
from orchestrator.plugin import AdapterError, Exit
from tests.engine.step_bench import StepBench, content, open_step_bench, python, read_fifo


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[StepBench]:
    async with open_step_bench(tmp_path) as bench:
        yield bench


async def test_runs_once_and_remembers_the_exit(bench: StepBench) -> None:
    argv = python("print('ran'); raise SystemExit(3)")
    ended = await bench.step().run("go", argv)
    again = await bench.step().run("go", argv)
    assert ended == again
    assert (ended.code, ended.signal, ended.ok) == (3, None, False)
    assert bench.log() == "ran\n"
    assert bench.journal.intents == [("apply", "go")]


async def test_a_signal_is_told_by_its_name(bench: StepBench) -> None:
    ended = await bench.step().run("go", python("import os; os.kill(os.getpid(), 9)"))
    assert (ended.code, ended.signal) == (None, "SIGKILL")


async def test_same_key_in_another_phase_is_another_process(bench: StepBench) -> None:
    step = bench.step("acquire")
    await step.run("go", python("print('one')"))
    await step.in_phase("apply").run("go", python("print('two')"))
    assert bench.log() == "one\ntwo\n"
    first = bench.step("cleanup").recall("acquire", "go")
    assert isinstance(first, Exit)
    assert first.ok


async def test_running_process_is_adopted(bench: StepBench) -> None:
    said, wait = bench.fifo("said"), bench.fifo("wait")
    code = "import sys; open(sys.argv[1], 'w').close(); open(sys.argv[2]).read(); print('end')"
    argv = python(code, said, wait)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.step().run, "go", argv)
        await read_fifo(said)
        nursery.cancel_scope.cancel()  # the daemon dies; the tool does not notice
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_adopt, bench, argv)
        await trio.to_thread.run_sync(wait.write_text, "")
    assert bench.log() == "end\n"


async def _adopt(bench: StepBench, argv: list[str]) -> None:
    assert (await bench.step().run("go", argv)).ok


async def test_separate_stdout(bench: StepBench) -> None:
    step = bench.step()
    assert step.output_of("go") is None
    code = "import sys; print('data'); print('talk', file=sys.stderr)"
    ended = await step.run("go", python(code), separate_stdout=True)
    assert content(ended.stdout) == "data\n"
    assert step.output_of("go") == Path(ended.stdout)
    assert content(ended.stderr) == "talk\n"
    assert bench.step("cleanup").recall("apply", "go") == ended


async def test_command_that_does_not_exist(bench: StepBench) -> None:
    ended = await bench.step().run("go", ["no-such-command-here"])
    assert ended.code == 127
    assert ended.error == "command not found: no-such-command-here"
    assert bench.log() == "command not found: no-such-command-here\n"


@pytest.mark.parametrize("argv", [[], ["a\0b"]])
async def test_what_no_process_can_get(bench: StepBench, argv: list[str]) -> None:
    with pytest.raises(AdapterError):
        await bench.step().run("go", argv)
    assert bench.journal.intents == []


async def test_recheck_recalls_without_records(bench: StepBench) -> None:
    ended = await bench.step().run("go", python("raise SystemExit(3)"))
    bench.journal.records.clear()
    assert bench.step("recheck-1").recall("apply", "go") == ended
    assert bench.step("recheck-1").recall("apply", "other") is None


async def test_any_key_has_its_file(bench: StepBench) -> None:
    """A key of any text is a file of its own."""
    keys = [
        "a",
        "A",
        "a.launch",
        "a~2",
        "../a",
        "a/b",
        "a b",
        "a_b",
        "é",
        "x" * 300,
        "-",
        "a.stdout",
    ]
    for number, key in enumerate(keys):
        assert (await bench.step().run(key, python(f"raise SystemExit({number})"))).code == number
    for number, key in enumerate(keys):
        assert bench.step().recall("apply", key).code == number
    assert {path.parent for path in bench.paths().processes.iterdir()} == {bench.paths().processes}


async def test_lines_of_the_adapter_stay_whole(bench: StepBench) -> None:
    step = bench.step()
    step.log("one")
    await step.run("go", ["printf", "no end of line"])
    step.log("two\nthree\n")
    step.warn("four")
    assert bench.log() == "one\nno end of line\ntwo\nthree\nwarning: four\n"
    assert stat.S_IMODE(bench.paths().log.stat().st_mode) == 0o600
    assert bench.journal.warnings == ["four"]


async def test_waiting_is_told_once(bench: StepBench) -> None:
    step = bench.step()
    for text in (None, "lock of ada", "lock of ada", None, None):
        await step.waiting_for(text)
    assert bench.journal.waited_for == [None, "lock of ada", None]


def test_a_source_is_never_made(tmp_path: Path) -> None:
    paths = AttemptPaths(
        tmp_path / "attempt", tmp_path / "srv", tmp_path / "shared", workdir_is_ours=False
    )
    with pytest.raises(FileNotFoundError):
        paths.create()
    paths.workdir.mkdir()
    paths.workdir.chmod(0o755)
    paths.create()
    assert stat.S_IMODE(paths.workdir.stat().st_mode) == 0o755
    assert stat.S_IMODE(paths.scratch.stat().st_mode) == 0o700
