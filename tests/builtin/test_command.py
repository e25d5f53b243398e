"""The `command` adapter over real processes."""

import shlex
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from orchestrator.builtin.command import CommandAdapter, orchestrator_adapters
from orchestrator.builtin.command_config import CommandConfig
from orchestrator.engine.attempt.step import DurableStep
from orchestrator.plugin import CLEAN, AdapterError, Cleanliness, Result, Severity
from tests.engine.step_bench import STOP, StepBench, content, open_step_bench, python, read_fifo

ADAPTER = CommandAdapter()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[StepBench]:
    async with open_step_bench(tmp_path) as bench:
        yield bench


def step_of(bench: StepBench, phase: str = "apply", /, **settings: object) -> DurableStep[Any]:
    return bench.step(phase, msgspec.convert(settings, CommandConfig))


def test_it_registers_itself() -> None:
    [adapter] = orchestrator_adapters()
    traits = adapter.traits(CommandConfig(run=("true",)))
    assert (adapter.name, traits.touches, traits.takes_slot, traits.grace) == (
        "command",
        None,
        True,
        60.0,
    )


async def test_success_and_failure(bench: StepBench) -> None:
    result = await ADAPTER.apply(step_of(bench, run=["sh", "-c", "echo hi; exit 75"]))
    assert result == Result(exit=75)
    assert bench.log() == "hi\n"


async def test_command_that_is_missing(bench: StepBench) -> None:
    result = await ADAPTER.apply(step_of(bench, run=["no-such-command-here"]))
    assert result == Result(exit=127, reason="command not found: no-such-command-here")


async def test_outputs(bench: StepBench) -> None:
    script = """
        test -f "$ORCHESTRATOR_OUTPUT"
        echo url=https://x >> "$ORCHESTRATOR_OUTPUT"
        echo nonsense >> "$ORCHESTRATOR_OUTPUT"
        exit 1
    """
    step = step_of(bench, script=script)
    result = await ADAPTER.apply(step)
    assert (result.exit, result.outputs) == (1, {"url": "https://x"})
    problem = "line 2 of $ORCHESTRATOR_OUTPUT is not NAME=VALUE: 'nonsense'"
    assert bench.log() == f"{problem}\n"
    assert stat.S_IMODE((step.scratch / "output").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        ('rm "$ORCHESTRATOR_OUTPUT"', "could not be read"),
        ('head -c 2000000 /dev/zero > "$ORCHESTRATOR_OUTPUT"', "larger than 1 MiB"),
    ],
)
async def test_outputs_that_cannot_be_read(bench: StepBench, spoil: str, problem: str) -> None:
    result = await ADAPTER.apply(step_of(bench, script=spoil))
    assert (result.exit, result.outputs) == (0, {})
    assert problem in bench.log()


@pytest.mark.parametrize(
    "value",
    ["$(touch x)", "`touch x`", "; touch x", "-rf", "two\nlines", "a'b\"c\\", "*", "", "é\t"],
)
async def test_hostile_parameters_stay_values(bench: StepBench, value: str) -> None:
    bench.env["ORCHESTRATOR_PARAM_VERSION"] = value
    script = 'printf "%s" "$ORCHESTRATOR_PARAM_VERSION" > seen; ls > listed'
    assert (await ADAPTER.apply(step_of(bench, script=script))).exit == 0
    workdir = bench.paths().workdir
    assert (workdir / "seen").read_bytes().decode() == value
    assert content(workdir / "listed") == "listed\nseen\n"


@pytest.mark.parametrize("value", ["$(touch x)", "; touch x", "-rf", "two\nlines", "*", ""])
async def test_hostile_arguments_stay_arguments(bench: StepBench, value: str) -> None:
    code = "import os, sys; open('seen', 'w').write(sys.argv[1])"
    assert (await ADAPTER.apply(step_of(bench, run=python(code, value)))).exit == 0
    workdir = bench.paths().workdir
    assert content(workdir / "seen") == value
    assert [path.name for path in workdir.iterdir()] == ["seen"]


async def test_script_stops_at_the_first_failure(bench: StepBench) -> None:
    assert (await ADAPTER.apply(step_of(bench, script="false\necho no"))).exit == 1
    assert not bench.paths().log.exists() or bench.log() == ""


async def test_script_stops_at_an_unset_variable(bench: StepBench) -> None:
    assert (await ADAPTER.apply(step_of(bench, script="echo $UNSET"))).exit == 2
    assert bench.log().startswith("smoke: 1: UNSET: parameter not set")


async def test_script_that_begins_with_a_dash(bench: StepBench) -> None:
    assert (await ADAPTER.apply(step_of(bench, script="-x y || echo ran"))).exit == 0
    assert bench.log().endswith("ran\n")


async def test_cwd(bench: StepBench) -> None:
    step = step_of(bench, run=["pwd"], cwd="a/b")
    (bench.paths().workdir / "a/b").mkdir(parents=True)
    assert (await ADAPTER.apply(step)).exit == 0
    assert bench.log() == f"{bench.paths().workdir}/a/b\n"


async def test_cwd_that_does_not_exist(bench: StepBench) -> None:
    with pytest.raises(AdapterError, match="no such directory"):
        await ADAPTER.apply(step_of(bench, run=["pwd"], cwd="a"))


async def test_cwd_that_leads_out_by_a_link(bench: StepBench) -> None:
    step = step_of(bench, run=["pwd"], cwd="a")
    (bench.paths().workdir / "a").symlink_to("/")
    with pytest.raises(AdapterError, match="symbolic link"):
        await ADAPTER.apply(step)
    assert bench.journal.intents == []


STAYS = "import signal, sys; open(sys.argv[1], 'w').close(); signal.pause()"


async def stop_while_running(bench: StepBench, /, **settings: object) -> Result:
    """Begin `STAYS`, cancel it as the daemon does, and give its result."""
    said = bench.fifo("said")
    step = step_of(bench, run=python(STAYS, said), **settings)
    results: list[Result] = []

    async def apply() -> None:
        results.append(await ADAPTER.apply(step))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(apply)
        await read_fifo(said)
        bench.journal.stop = STOP
        await ADAPTER.cancel(step.in_phase("cancel"))
    return results[0]


async def test_cancel_sends_sigterm(bench: StepBench) -> None:
    assert (await stop_while_running(bench)).signal == "SIGTERM"


async def test_script_that_catches_the_signal(bench: StepBench) -> None:
    """The example of docs/command.md."""
    bench.fifo("said")
    script = f"""
        {shlex.join(python(STAYS, bench.state_dir / "said"))} & child=$!
        trap 'kill "$child"; wait "$child"; exit 143' TERM
        wait "$child"
    """
    step = step_of(bench, script=script)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ADAPTER.apply, step)
        await read_fifo(bench.state_dir / "said")
        await ADAPTER.cancel(step.in_phase("cancel"))
    assert step.recall("apply", "run").code == 143
    assert step.is_dead()


async def test_cancel_sends_the_signal_that_was_set(bench: StepBench) -> None:
    assert (await stop_while_running(bench, stop_signal="USR2")).signal == "SIGUSR2"


async def test_cancel_by_command_sends_no_signal(bench: StepBench) -> None:
    bench.env["PIDS"] = str(bench.process("apply", "run") / "pid")
    argv = ["sh", "-c", 'echo asked; read pid rest < "$PIDS"; kill -USR1 "$pid"']
    result = await stop_while_running(bench, cancel=argv)
    assert result.signal == "SIGUSR1"
    assert bench.log() == "asked\n"
    assert not (bench.process("apply", "run") / "signals" / "stop.claim").exists()
    await ADAPTER.cancel(step_of(bench, "cancel", run=["x"], cancel=argv))
    assert bench.log() == "asked\n"


async def test_cancel_by_command_that_fails(bench: StepBench) -> None:
    result = await stop_while_running(bench, cancel=["false"])
    assert result.signal == "SIGTERM"
    assert bench.journal.warnings == ["cancel = false failed (exit 1); SIGTERM is sent instead"]


async def test_cleanup_without_a_command_sweeps(bench: StepBench) -> None:
    step = step_of(bench, script="sleep 1000 & echo started")
    assert (await ADAPTER.apply(step)).exit == 0
    assert not step.is_dead()
    for _ in range(2):
        assert await ADAPTER.cleanup(step.in_phase("cleanup")) == CLEAN
    assert step.is_dead()


async def test_cleanup_by_command(bench: StepBench) -> None:
    settings = {"run": ["touch", "lock"], "cleanup": ["rm", "--", "lock"]}
    await ADAPTER.apply(step_of(bench, **settings))
    for _ in range(2):
        assert await ADAPTER.cleanup(step_of(bench, "cleanup", **settings)) == CLEAN
    assert list(bench.paths().workdir.iterdir()) == []
    found = await ADAPTER.cleanup(step_of(bench, "recheck-1", **settings))
    assert "exit 1" in found.found


async def test_cleanup_that_finds_something(bench: StepBench) -> None:
    argv = ["sh", "-c", "echo looking; echo 'bucket \x1b[31mweb-1 is left' >&2; exit 4"]
    for phase in ("cleanup", "cleanup", "recheck-1"):
        found = await ADAPTER.cleanup(step_of(bench, phase, run=["true"], cleanup=argv))
        typed = f"{argv[0]} -c {shlex.quote(argv[2])}"
        assert found == Cleanliness(
            found=f"{typed} failed (exit 4): bucket [31mweb-1 is left",
            commands=(f"cd {bench.paths().workdir} && {typed}",),
        )


async def test_cleanup_that_says_nothing(bench: StepBench) -> None:
    await ADAPTER.apply(step_of(bench, run=["echo", "from the step"], cleanup=["false"]))
    found = await ADAPTER.cleanup(step_of(bench, "cleanup", run=["true"], cleanup=["false"]))
    assert found.found == "false failed (exit 1)"


async def test_check_names_commands_that_are_missing(bench: StepBench) -> None:
    step = step_of(bench, run=["nowhere-1"], cancel=["./later.sh"], cleanup=["nowhere-2", "x"])
    problems = await ADAPTER.check(step)
    assert [(p.setting, p.severity) for p in problems] == [
        ("run", Severity.WARNING),
        ("cleanup", Severity.WARNING),
    ]
    assert await ADAPTER.check(step_of(bench, script="nowhere-1")) == []


async def test_entered_again_after_the_daemon_was_killed(bench: StepBench) -> None:
    script = 'echo url=1 >> "$ORCHESTRATOR_OUTPUT"; echo ran'
    first = await ADAPTER.apply(step_of(bench, script=script))
    assert await ADAPTER.apply(step_of(bench, script=script)) == first
    assert bench.log() == "ran\n"
