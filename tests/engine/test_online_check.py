"""`check --online`: adapters look, read-only, and their words reach the person."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from orchestrator.core.language.definition import (
    Configuration,
    EnvironmentDefinition,
    Parameter,
    PipelineDefinition,
    Source,
    StepDefinition,
)
from orchestrator.engine.attempt.online_check import check_online
from orchestrator.plugin import Adapter, AdapterError, Problem, Result, Severity, Step


class Settings(msgspec.Struct, frozen=True):
    say: str = ""


class Looking(Adapter[Settings]):
    """Answers `check` as its settings say."""

    name = "looking"
    config_type = Settings

    async def check(self, step: Step[Settings]) -> Sequence[Problem]:
        match step.config.say:
            case "warn":
                return [Problem("say", "careful", Severity.WARNING)]
            case "raise":
                raise RuntimeError("a bug")
            case "refuse":
                raise AdapterError("the server says no")
            case "":
                return []
            case text:
                seen = await step.probe(["echo", text])
                return [Problem("say", seen.stdout.strip())]

    async def apply(self, step: Step[Settings]) -> Result:
        raise AssertionError("a look must not apply")


def configuration(tmp_path: Path, say: str) -> Configuration:
    step = StepDefinition(name="look", uses="looking", config={"say": say})
    pipeline = PipelineDefinition(
        name="web",
        kind="deploy",
        steps=(step,),
        origin="pipelines/web.toml",
        params=(Parameter(name="version", required=True, example="v1"),),
    )
    return Configuration(
        state_dir=str(tmp_path),
        socket="",
        kinds={"deploy": ("deploy",)},
        environments={"staging": EnvironmentDefinition(name="staging")},
        pipelines={"web": pipeline},
    )


async def lines(tmp_path: Path, say: str) -> list[str]:
    found = await check_online(configuration(tmp_path, say), {"looking": Looking()})
    return [str(one) for one in found]


async def test_a_problem_names_file_step_environment_and_setting(tmp_path: Path) -> None:
    assert await lines(tmp_path, "wrong ${params.version}") == [
        "pipelines/web.toml: step look in staging: with.say: wrong v1"
    ]


async def test_nothing_wrong_says_nothing(tmp_path: Path) -> None:
    assert await lines(tmp_path, "") == []


async def test_a_warning_says_so(tmp_path: Path) -> None:
    assert await lines(tmp_path, "warn") == [
        "pipelines/web.toml: step look in staging: warning: with.say: careful"
    ]


async def test_what_the_adapter_raises_is_said(tmp_path: Path) -> None:
    assert await lines(tmp_path, "refuse") == [
        "pipelines/web.toml: step look in staging: the server says no"
    ]
    assert await lines(tmp_path, "raise") == [
        "pipelines/web.toml: step look in staging: plugin error: check of looking raised "
        "RuntimeError: a bug"
    ]


async def test_only_what_is_known_is_asked(tmp_path: Path) -> None:
    """What is known only in a run is not asked."""
    [line] = await lines(tmp_path, "${steps.plan.outputs.plan}")
    assert "warning: not asked" in line


async def test_a_source_that_is_not_there_is_said(tmp_path: Path) -> None:
    base = configuration(tmp_path, "")
    missing = tmp_path / "nowhere"
    web = replace(base.pipelines["web"], source=Source(path=str(missing)))
    found = await check_online(replace(base, pipelines={"web": web}), {"looking": Looking()})
    assert [str(one) for one in found] == [
        f"pipelines/web.toml: step look in staging: {missing}: No such file or directory"
    ]
    assert not missing.exists()
