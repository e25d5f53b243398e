"""`command` goes through every path of the adapter suite."""

from pathlib import Path

import pytest

from orchestrator.builtin.command import CommandAdapter
from orchestrator.testing import AdapterSuite
from tests.builtin.command_material import CommandMaterial

pytestmark = pytest.mark.slow


class TestCommand(AdapterSuite):
    """The adapter that comes with the orchestrator."""

    adapter = CommandAdapter
    lacks = frozenset({"blocked"})

    def material(self, root: Path) -> CommandMaterial:
        return CommandMaterial(root)
