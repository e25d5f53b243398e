"""Steps in parallel through the real engine, and how the wire shows them."""

from pathlib import Path

from msgspec.structs import replace

from orchestrator.core.language.definition import PipelineDefinition, StepDefinition
from tests.api.api_bench import ApiBench, configuration

DIAMOND = PipelineDefinition(
    name="diamond",
    kind="deploy",
    origin="pipelines/diamond.toml",
    steps=(
        StepDefinition("build", "gate"),
        StepDefinition("unit", "gate", needs=("build",), stage="tests"),
        StepDefinition("load", "gate", needs=("build",), stage="tests"),
        StepDefinition(
            "ship", "gate", {"text": "${steps.unit.outputs.url}"}, needs=("unit", "load")
        ),
    ),
)


async def test_a_diamond(bench: ApiBench, tmp_path: Path) -> None:
    config = configuration(tmp_path)
    await bench.configure(replace(config, pipelines={"diamond": DIAMOND}))
    job = await bench.submit(pipeline="diamond")
    bench.gate.open(1, "build")
    await bench.gate.at_work(1, "unit")
    await bench.gate.at_work(1, "load")
    seen = await bench.get("/v1/jobs/1")
    assert [(step["name"], step["stage"], step["phase"]) for step in seen["steps"]] == [
        ("build", None, "finished"),
        ("unit", "tests", "applying"),
        ("load", "tests", "applying"),
        ("ship", None, "pending"),
    ]
    bench.gate.open(1, "load")
    bench.gate.open(1, "unit")
    assert (await bench.gate.at_work(1, "ship")).config.text == "http://here"
    bench.gate.open(1, "ship")
    assert (await bench.finished(job["id"]))["conclusion"] == "success"


async def test_a_definition_shows_its_graph(bench: ApiBench, tmp_path: Path) -> None:
    config = configuration(tmp_path)
    await bench.configure(replace(config, pipelines={"diamond": DIAMOND}))
    shown = await bench.get("/v1/pipelines/diamond")
    assert [(step["name"], step["stage"], step["needs"]) for step in shown["steps"]] == [
        ("build", None, []),
        ("unit", "tests", ["build"]),
        ("load", "tests", ["build"]),
        ("ship", None, ["unit", "load"]),
    ]
