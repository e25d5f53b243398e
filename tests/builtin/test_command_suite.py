"""`command` goes through every path of the adapter suite."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode adds no path

from command_material import CommandMaterial

from orchestrator.builtin.command import CommandAdapter
from orchestrator.testing import AdapterSuite


class TestCommand(AdapterSuite):
    """The adapter that comes with the orchestrator."""

    adapter = CommandAdapter

    def material(self, root: Path) -> CommandMaterial:
        return CommandMaterial(root)
