"""`approval` goes through every path of the adapter suite."""

from pathlib import Path
from typing import Any

import pytest

from orchestrator.builtin.approval import ApprovalAdapter
from orchestrator.testing import AdapterSuite, Material, Settings
from tests import myself

pytestmark = pytest.mark.slow


class ApprovalMaterial(Material):
    """People who say what the message asks them to say, or nothing."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._asked: set[int] = set()

    @property
    def asks(self) -> bool:
        return True

    def answer(self, job: int, question: str) -> bool | None:
        self._asked.add(job)
        return {"say yes": True, "say no": False}.get(question)

    def succeeding(self) -> Settings:
        return {"message": "say yes", "expires": "1h"}

    def failing(self) -> Settings:
        return {"message": "say no", "expires": "1h"}

    def working(self) -> Settings:
        return {"message": "say nothing", "expires": "1h"}

    @property
    def outputs(self) -> dict[str, Any]:
        return {"approved_by": myself.NAME, "comment": ""}

    def runs(self) -> int:
        return len(self._asked)

    def stops(self, log: str) -> int | None:
        return None


class TestApproval(AdapterSuite):
    """The adapter that comes with the orchestrator."""

    adapter = ApprovalAdapter
    lacks = frozenset({"stubborn", "blocked", "lasting_cleanup", "dirty"})

    def material(self, root: Path) -> ApprovalMaterial:
        return ApprovalMaterial(root)
