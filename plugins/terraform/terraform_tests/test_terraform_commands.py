"""What a user writes never becomes an option of terraform's."""

from pathlib import Path

import pytest
from orchestrator_terraform import commands
from orchestrator_terraform.commands import Layout
from orchestrator_terraform.settings import Action, LockFile, TerraformSettings


@pytest.fixture
def at(tmp_path: Path) -> Layout:
    scratch = tmp_path / "it's scratch"
    directory = tmp_path / "infra"
    directory.mkdir()
    return Layout(
        binary="terraform",
        dir=directory,
        data=scratch / "data",
        plan=scratch / "plan",
        readable=scratch / "plan.txt",
        variables=scratch / "variables.tfvars.json",
        backend=scratch / "backend.json",
        ready=scratch / "ready",
        plugin_cache=tmp_path / "plugins",
    )


HOSTILE = "-destroy"


def test_values_are_joined_to_their_options(at: Layout) -> None:
    """Every value of a plan is joined to its option."""
    settings = TerraformSettings(
        action=Action.PLAN,
        var_files=(HOSTILE,),
        targets=(HOSTILE,),
        replace=(HOSTILE,),
        vars={HOSTILE: HOSTILE},
        refresh=False,
        parallelism=3,
    )
    argv = commands.plan(at, settings)
    assert HOSTILE not in argv
    assert argv[:3] == ["terraform", f"-chdir={at.dir}", "plan"]
    assert f"-var-file={at.dir}/-destroy" in argv
    assert {"-target=-destroy", "-replace=-destroy", "-refresh=false", "-parallelism=3"} <= {*argv}


def test_variables_win_over_the_users_files(at: Layout) -> None:
    """Values of variables are in a file that wins over the user's files."""
    settings = TerraformSettings(
        action=Action.PLAN, var_files=("a.tfvars",), vars={"password": "hunter2"}
    )
    argv = commands.plan(at, settings)
    assert "hunter2" not in " ".join(argv)
    files = [argument for argument in argv if argument.startswith("-var-file=")]
    assert files == [f"-var-file={at.dir}/a.tfvars", f"-var-file={at.variables}"]


def test_values_of_the_backend_are_in_a_file(at: Layout) -> None:
    settings = TerraformSettings(action=Action.PLAN, backend_config={"password": "hunter2"})
    argv = commands.init(at, settings)
    assert f"-backend-config={at.backend}" in argv
    assert "hunter2" not in " ".join(argv)


def test_destroy_plans_a_destruction_and_apply_does_not(at: Layout) -> None:
    destroy = commands.plan(at, TerraformSettings(action=Action.DESTROY))
    apply = commands.plan(at, TerraformSettings(action=Action.APPLY))
    assert [*apply[:-1], "-destroy", apply[-1]] == destroy


def test_a_plan_file_called_destroy_is_a_file(at: Layout) -> None:
    settings = TerraformSettings(action=Action.APPLY, plan=HOSTILE)
    argv = commands.apply(at, settings, at.in_dir(HOSTILE))
    assert argv[-1] == f"{at.dir}/-destroy"


def test_what_looks_like_an_option(at: Layout) -> None:
    """A workspace and a lock that look like options come after two dashes."""
    assert commands.select_workspace(at, HOSTILE)[-2:] == ["--", HOSTILE]
    assert commands.force_unlock(HOSTILE)[-2:] == ("--", HOSTILE)


@pytest.mark.parametrize(
    ("committed", "lockfile", "pinned"),
    [
        (False, None, False),
        (True, None, True),
        (True, LockFile.UPDATE, False),
        (False, LockFile.READONLY, True),
    ],
)
def test_a_committed_lock_file_is_not_changed(
    at: Layout, committed: bool, lockfile: LockFile | None, pinned: bool
) -> None:
    if committed:
        (at.dir / ".terraform.lock.hcl").touch()
    argv = commands.init(at, TerraformSettings(action=Action.PLAN, lockfile=lockfile))
    assert ("-lockfile=readonly" in argv) is pinned


def test_validate_leaves_the_backend_alone(at: Layout) -> None:
    settings = TerraformSettings(action=Action.VALIDATE, backend_config={"a": 1})
    argv = commands.init(at, settings)
    assert "-backend=false" in argv
    assert not any(argument.startswith("-backend-config") for argument in argv)


@pytest.mark.parametrize(("asked", "given"), [("0s", "10s"), ("10m", "600s")])
def test_a_plan_waits_out_a_look(at: Layout, asked: str, given: str) -> None:
    """A plan waits out a mere look at the lock."""
    settings = TerraformSettings(action=Action.PLAN, lock_timeout=asked)
    assert f"-lock-timeout={given}" in commands.plan(at, settings)


def test_commands_for_people_survive_their_shell(at: Layout) -> None:
    typed = at.to_type("state", "push", "a b")
    assert typed.startswith("TF_DATA_DIR='")
    assert """it'"'"'s scratch/data'""" in typed
    assert typed.endswith("state push 'a b'")
