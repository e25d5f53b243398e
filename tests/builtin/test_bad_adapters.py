"""The adapter suite finds the mistakes that it is there for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.plugin import Adapter
from orchestrator.testing import AdapterSuite
from orchestrator.testing.daemon_zygote import Zygote
from orchestrator.testing.suite_bench import open_adapter_bench
from orchestrator.testing.suite_crashes import BEFORE_EVERY_COMMIT
from tests.builtin import bad_adapters as bad
from tests.builtin.command_material import CommandMaterial
from tests.row_ids import told_by

pytestmark = pytest.mark.slow


class Suite(AdapterSuite):
    """Called here test by test; pytest does not collect it."""

    def material(self, root: Path) -> CommandMaterial:
        return CommandMaterial(root)


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    zygote = Zygote()
    yield zygote
    zygote.close()


BEFORE = {"fate": BEFORE_EVERY_COMMIT}


MISTAKES: list[tuple[type[Adapter[Any]], str, dict[str, Any], str]] = [
    (bad.StartsByItself, "killed_while_the_tool_works", {}, "began its work 2 times"),
    (bad.StartsByItself, "killed_at_every_commit_of_a_success", BEFORE, "began its work"),
    (bad.NewKeyEachTime, "killed_while_the_tool_works", {}, "began its work 2 times|and now"),
    (
        bad.NewKeyEachTime,
        "killed_at_every_commit_of_a_success",
        BEFORE,
        "not within|does not get on",
    ),
    (bad.CleansUpOnce, "cleanup_says_the_same_again", {}, "Verify failed"),
    (bad.CleansUpOnce, "killed_at_every_commit_of_a_success", BEFORE, "something is left"),
    (bad.Deaf, "stopped_at_work", {}, "job 1 ends: not within"),
    (bad.AlwaysGlad, "stopped_at_work", {}, "it ended as success"),
    (bad.AlwaysGlad, "failure", {}, "it ended as success"),
    (bad.SwallowsStops, "stopped_at_every_moment", {}, "it ended as success"),
    (bad.SignalsByItself, "killed_while_the_tool_stops", {}, "asked to stop . times"),
    (bad.LeavesChildren, "success", {}, "processes of it are alive"),
    (bad.RemembersInMemory, "killed_at_every_commit_of_a_success", BEFORE, "ended as failure"),
    (
        bad.ReadsReferences,
        "traits_can_be_told_from_unresolved_references",
        {},
        "failed to judge",
    ),
    (bad.TriesInCheck, "check_only_looks", {}, "check changed files"),
    (bad.LogsAgain, "success", {}, "its log has 'line two' 2 times"),
]


@pytest.mark.parametrize(
    ("adapter", "test", "given", "found"), MISTAKES, ids=told_by(MISTAKES, 0, 1)
)
def test_mistake(
    tmp_path: Path,
    zygote: Zygote,
    adapter: type[Adapter[Any]],
    test: str,
    given: dict[str, Any],
    found: str,
) -> None:
    suite = Suite()
    with (
        open_adapter_bench(tmp_path, adapter, suite.material, 4.0, zygote.launch) as bench,
        pytest.raises(AssertionError, match=found),
    ):
        getattr(suite, f"test_{test}")(bench, **given)
