"""A pipeline of 2,000 steps: how long it takes to load, and what its decisions cost."""

import tempfile
import time
from pathlib import Path

from benchmarks.report import Figure
from benchmarks.scripted import OWNER, Script
from orchestrator import config
from orchestrator.builtin import command as command_adapter
from orchestrator.core.language import commands as cmd
from orchestrator.core.language.model import Acquiring, Applying, CleaningUp, Step, StepRef
from orchestrator.plugin import registry

STEPS, FEW = 2000, 200
WIDE = 10
"""Every tenth step waits for the nine before it, and they for the one before them."""
ROUNDS = 5


def figures() -> list[Figure]:
    """Loading by the clock; a step's decisions beside those of a pipeline a tenth as long."""
    with tempfile.TemporaryDirectory() as scratch:
        many, few = Path(scratch, "many"), Path(scratch, "few")
        write(many, STEPS)
        write(few, FEW)
        adapters = registry.load([command_adapter])
        loads = [_seconds_to_load(many, adapters) for _ in range(ROUNDS)]
        rounds = [(_per_step(many, STEPS), _per_step(few, FEW)) for _ in range(ROUNDS)]
    return [
        Figure(f"load a pipeline of {STEPS} steps", min(loads), "s", 1.0),
        Figure.of_rounds(f"decisions for a step, of {STEPS} / of {FEW}", "µs", 2.0, rounds),
    ]


def write(directory: Path, count: int) -> None:
    """A configuration with one pipeline of so many steps."""
    blocks = ['kind = "deploy"\n']
    for place in range(count):
        stage, last = divmod(place, WIDE)
        needs = f'["stage:s{stage}"]' if last == WIDE - 1 else f'["step-{stage * WIDE - 1}"]'
        if stage == 0 and last != WIDE - 1:
            needs = "[]"
        blocks.append(
            f'[[steps]]\nname = "step-{place}"\nuses = "command"\nneeds = {needs}\n'
            + (f'stage = "s{stage}"\n' if last != WIDE - 1 else "")
            + 'with = { run = ["true", "${environment.name}", "${job.id}"] }\n'
            + 'outcomes = { "exit 3" = "warn" }\n'
        )
    files = {"pipelines/p.toml": "".join(blocks), "environments/e.toml": ""}
    for name, text in {"orchestrator.toml": "capacity = 100\n", **files}.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _seconds_to_load(directory: Path, adapters: registry.Registry) -> float:
    began = time.perf_counter()
    config.read(directory, adapters)
    return time.perf_counter() - began


def _per_step(directory: Path, count: int) -> float:
    """Microseconds that all decisions of a whole run take, for each of its steps."""
    script = Script(directory)
    began = time.perf_counter()
    script.commit(cmd.Submit(caller=OWNER, pipeline="p", environment="e"))
    while 1 in script.world.jobs:
        active = list(script.world.active_steps(script.world.jobs[1]))
        for step, _ in active:
            script.commit(_next(step))
    return (time.perf_counter() - began) / count * 1e6


def _next(step: Step) -> cmd.Command:
    ref = StepRef(job=1, step=step.name)
    match step.phase:
        case Acquiring():
            return cmd.AcquireDone(ref=ref)
        case Applying():
            return cmd.ApplyDone(ref=ref, succeeded=True, exit=0)
        case CleaningUp():
            return cmd.CleanupDone(ref=ref)
        case _:
            raise AssertionError(step)
