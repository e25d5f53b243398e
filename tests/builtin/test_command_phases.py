"""Which phases a step of `command` has: each costs a commit."""

from orchestrator.builtin.command import CommandAdapter
from orchestrator.builtin.command_config import CommandConfig


def test_its_check_only_warns() -> None:
    """Its check only warns, and is no phase of a run."""
    traits = CommandAdapter().traits(CommandConfig(run=("true",)))
    assert not traits.checked_first
