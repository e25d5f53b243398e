"""`git` goes through every path of the adapter suite."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode adds no path

from git_material import GitMaterial

from orchestrator.builtin.git import GitAdapter
from orchestrator.testing import AdapterSuite


class TestGit(AdapterSuite):
    """The adapter behind `[source] git`."""

    adapter = GitAdapter

    def material(self, root: Path) -> GitMaterial:
        return GitMaterial(root)
