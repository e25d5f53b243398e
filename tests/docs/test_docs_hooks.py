"""docs/writing-an-adapter.md documents every hook."""

import pytest

from orchestrator.plugin.hookspecs import Hooks
from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "writing-an-adapter.md"
HOOKS = [name for name in vars(Hooks) if name.startswith("orchestrator_")]


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_documented(hook: str) -> None:
    assert f"`{hook}" in PAGE.read_text(encoding="utf-8") or f"def {hook}(" in PAGE.read_text()


def test_there_are_hooks() -> None:
    assert HOOKS
