"""What each action does, with a real terraform."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orchestrator.plugin import AdapterError, Outcome
from terraform_tests.terraform_bench import TerraformBench, open_terraform_bench
from tests.engine.step_bench import content

pytestmark = [pytest.mark.slow, pytest.mark.terraform]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[TerraformBench]:
    async with open_terraform_bench(tmp_path) as bench:
        yield bench


def mode(path: str) -> int:
    return Path(path).stat().st_mode & 0o777


async def test_a_plan_with_changes_succeeds_with_exit_2(bench: TerraformBench) -> None:
    life = bench.begin(bench.settings("plan"))
    result = await life.whole()
    assert (result.exit, result.succeeded, result.summary) == (2, True, "+1 ~0 -0")
    assert result.outputs["changes"] is True
    assert mode(result.outputs["plan"]) == mode(result.outputs["plan_text"]) == 0o600
    readable = content(result.outputs["plan_text"])
    assert "# terraform_data.a will be created" in readable
    assert "# terraform_data.a will be created" in life.log()
    assert bench.server.states == {}


async def test_a_plan_without_changes_succeeds_with_exit_0(bench: TerraformBench) -> None:
    await bench.begin(bench.settings("apply")).whole()
    result = await bench.begin(bench.settings("plan"), attempt=2).whole()
    assert (result.exit, result.succeeded, result.summary) == (0, True, "no changes")
    assert result.outputs["changes"] is False


async def test_plans_end_well_with_both_codes(
    bench: TerraformBench,
) -> None:
    """Plans end well with both codes, unless a pipeline says otherwise."""
    outcomes = bench.adapter.traits(bench.settings("plan")).outcomes
    assert {rule.match: rule.then for rule in outcomes} == {
        "exit 0": Outcome.CONTINUE,
        "exit 2": Outcome.CONTINUE,
    }


async def test_an_apply_gives_the_root_outputs(bench: TerraformBench) -> None:
    """An apply gives the outputs of the root module."""
    settings = bench.settings("apply", vars={"n": [1, {"a": "x y"}], "password": "s3cret"})
    life = bench.begin(settings)
    result = await life.whole()
    assert (result.exit, result.summary) == (0, "+1 ~0 -0")
    assert result.outputs == {
        "n": [1, {"a": "x y"}],
        "both": {"list": [1, 2], "text": "x"},
        "password": "s3cret",
    }
    assert result.sensitive == ("password",)
    assert "s3cret" not in life.log()
    assert "Apply complete! Resources: 1 added" in life.log()
    assert bench.lock is None
    assert [path.name for path in bench.infra.iterdir()] == ["main.tf"]


async def test_nothing_is_applied_where_nothing_changes(bench: TerraformBench) -> None:
    await bench.begin(bench.settings("apply")).whole()
    uploads = len(bench.requests("POST"))
    result = await bench.begin(bench.settings("apply"), attempt=2).whole()
    assert (result.exit, result.summary, result.outputs["n"]) == (0, "no changes", 1)
    assert len(bench.requests("POST")) == uploads


async def test_a_plan_is_applied_as_made(bench: TerraformBench) -> None:
    """The plan of another step is applied as it was made."""
    planned = await bench.begin(bench.settings("plan", vars={"n": 7})).whole()
    plan = planned.outputs["plan"]
    result = await bench.begin(bench.settings("apply", plan=plan), attempt=2).whole()
    assert (result.summary, result.outputs["n"]) == ("+1 ~0 -0", 7)

    stale = await bench.begin(bench.settings("apply", plan=plan), attempt=3).whole()
    assert not stale.succeeded
    assert stale.statuses == ("stale_plan",)
    assert "plan again" in stale.reason


async def test_destroy(bench: TerraformBench) -> None:
    await bench.begin(bench.settings("apply")).whole()
    result = await bench.begin(bench.settings("destroy"), attempt=2).whole()
    assert result.summary == "+0 ~0 -1"
    assert bench.state["resources"] == []


async def test_validate_needs_no_backend(bench: TerraformBench) -> None:
    result = await bench.begin(bench.settings("validate", backend_config={})).whole()
    assert result.succeeded
    bench.write_module("output {}")
    life = bench.begin(bench.settings("validate", backend_config={}), attempt=2)
    with pytest.raises(AdapterError, match="terraform init failed"):
        await life.acquire()
    bench.write_module('output "x" { value = local.missing }')
    life = bench.begin(bench.settings("validate", backend_config={}), attempt=3)
    result = await life.whole()
    assert (result.exit, result.summary) == (1, "not valid: see the log")
    assert "local.missing" in life.log()
    assert bench.server.requests == []


async def test_a_failure_names_the_first_error(bench: TerraformBench) -> None:
    life = bench.begin(bench.settings("apply", vars={"command": "exit 3"}))
    result = await life.whole()
    assert (result.exit, result.succeeded, result.stopped) == (1, False, None)
    assert "exit status 3" in result.reason
    assert "with terraform_data.a" in life.log()
    assert bench.lock is None


async def test_what_looks_like_an_option_is_a_value(bench: TerraformBench) -> None:
    await bench.begin(bench.settings("apply")).whole()
    bench.write_module(
        bench.infra.joinpath("main.tf").read_text().replace('"http" {}', '"local" {}')
    )
    (bench.infra / "-destroy").write_text("n = 3\n")
    settings = bench.settings(
        "apply", backend_config={}, workspace="-destroy", var_files=["-destroy"]
    )
    result = await bench.begin(settings, attempt=2).whole()
    assert (result.summary, result.outputs["n"]) == ("+1 ~0 -0", 3)
    assert (bench.infra / "terraform.tfstate.d" / "-destroy").is_dir()


async def test_a_backend_without_workspaces_says_so(bench: TerraformBench) -> None:
    life = bench.begin(bench.settings("plan", workspace="blue"))
    with pytest.raises(AdapterError, match='"blue" could not be selected: workspaces not supp'):
        await life.acquire()
    assert (await life.cleanup()).clean


async def test_check_names_every_setting_at_once(bench: TerraformBench) -> None:
    settings = bench.settings(
        "plan", binary="no-such-terraform", var_files=["no.tfvars", "${params.x}.tfvars"]
    )
    problems = await bench.adapter.check(bench.begin(settings).step)
    assert [problem.setting for problem in problems] == ["var_files", "binary"]
    empty = bench.begin(bench.settings("plan", dir=".")).step
    assert [problem.setting for problem in await bench.adapter.check(empty)] == ["dir"]
    missing = bench.begin(bench.settings("apply", dir="nowhere", plan="p")).step
    assert [problem.setting for problem in await bench.adapter.check(missing)] == ["dir"]
    assert await bench.adapter.check(bench.begin(bench.settings("apply")).step) == ()
