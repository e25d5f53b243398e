"""Which phases a step of `command` has: each costs a commit."""

from orchestrator.builtin.command import CommandAdapter
from orchestrator.builtin.command_config import CommandConfig


def test_its_check_only_warns_and_is_no_phase_of_a_run() -> None:
    traits = CommandAdapter().traits(CommandConfig(run=("true",)))
    assert not traits.checked_first
