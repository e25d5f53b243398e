"""The hooks for git are `make check`, and `make quick` before a push, of the same environment."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]


@pytest.fixture
def hooks() -> list[dict[str, Any]]:
    [repository] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local", "nothing is fetched"
    found: list[dict[str, Any]] = repository["hooks"]
    return found


def test_a_commit_is_checked_as_by_make(hooks: list[dict[str, Any]]) -> None:
    words = ["make", "--dry-run", "--assume-old=setup", "--silent", "check", "VENV=.venv"]
    env = {**os.environ, "MAKEFLAGS": "", "MAKELEVEL": "0"}
    said = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, check=True, text=True)
    commands = [line for line in said.stdout.splitlines() if line.startswith(".venv/bin/")]
    entries = [hook["entry"] for hook in hooks if "stages" not in hook]
    assert entries == [f"sh tools/hook.sh {command}" for command in commands]
    assert len(commands) == 3


def test_a_hook_without_venv(hooks: list[dict[str, Any]], tmp_path: Path) -> None:
    """As in a linked work tree: what to type. Else the hook is what it runs."""
    script = ["sh", str(ROOT / "tools" / "hook.sh")]
    for hook in hooks:
        if hook["id"] == "quick":
            continue
        words = hook["entry"].split()[2:]
        ran = subprocess.run([*script, *words], cwd=tmp_path, capture_output=True, text=True)
        assert (ran.returncode, ran.stdout) == (1, "")
        assert ran.stderr == f"there is no {words[0]} in {tmp_path}: make setup\n"
    passed_on = [*script, "/bin/sh", "-c", 'exit "$0"', "3"]
    assert subprocess.run(passed_on, check=False).returncode == 3


def test_a_push_is_tested_quickly(hooks: list[dict[str, Any]]) -> None:
    entries = [hook["entry"] for hook in hooks if hook.get("stages") == ["pre-push"]]
    assert entries == ["make quick"]


def test_hooks_look_at_everything(hooks: list[dict[str, Any]]) -> None:
    """As make does, not only at the files of the commit; and install nothing."""
    for hook in hooks:
        assert (hook["always_run"], hook["pass_filenames"]) == (True, False)
        assert hook["language"] == "system"
