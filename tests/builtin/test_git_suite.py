"""`git` goes through every path of the adapter suite."""

from pathlib import Path

import pytest

from orchestrator.builtin.git import GitAdapter
from orchestrator.testing import AdapterSuite
from tests.builtin.git_material import GitMaterial

pytestmark = pytest.mark.slow


class TestGit(AdapterSuite):
    """The adapter behind `[source] git`."""

    adapter = GitAdapter
    lacks = frozenset({"blocked", "lasting_cleanup", "dirty"})

    def material(self, root: Path) -> GitMaterial:
        return GitMaterial(root)
