"""The `git` adapter over real processes, on the bench of steps."""

from typing import TypedDict, Unpack

from orchestrator.builtin.git import GitAdapter
from orchestrator.builtin.git_config import GitConfig
from orchestrator.engine.attempt.step import DurableStep
from orchestrator.plugin import Result, Secret
from tests.engine.step_bench import StepBench


class GitOptions(TypedDict, total=False):
    """What else a step may say than where its repository is."""

    ref: str
    submodules: bool
    ssh_key: Secret | None
    known_hosts: str | None
    directory: str
    binary: str


class GitSettings(GitOptions):
    """What a step says."""

    url: str


ADAPTER = GitAdapter()
SOURCE = "pipelines/web.toml: source"


def step_of(
    bench: StepBench, phase: str = "apply", attempt: int = 1, **settings: Unpack[GitSettings]
) -> DurableStep[GitConfig]:
    """A step with these settings."""
    config = GitConfig(written_in=SOURCE, **settings)
    bench.journal.records.clear()
    return bench.step(phase, config, attempt)


async def check_out(bench: StepBench, attempt: int = 1, **settings: Unpack[GitSettings]) -> Result:
    """Checked out and cleaned up after."""
    step = step_of(bench, "apply", attempt, **settings)
    result = await ADAPTER.apply(step)
    assert (await ADAPTER.cleanup(step.in_phase("cleanup"))).clean
    left = [path.name for path in step.scratch.iterdir()]
    assert not [name for name in left if "tree" in name or name.startswith("key")], left
    return result


async def refusal(bench: StepBench, attempt: int = 1, **settings: Unpack[GitSettings]) -> str:
    """Why it failed; then there is nothing where the work tree would be."""
    result = await check_out(bench, attempt, **settings)
    assert result.exit == 1, result
    work = bench.paths().workdir
    assert not any(work.iterdir())
    return result.reason


def tree(bench: StepBench) -> list[str]:
    """The files of the work tree."""
    work = bench.paths().workdir
    return sorted(
        str(path.relative_to(work))
        for path in work.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(work).parts
    )
