"""What helm's own words mean."""

import json

import pytest
from orchestrator_helm.release import History, one_line, read_history, read_status

from orchestrator.plugin import AdapterError, Completed


def history(*statuses: str) -> History:
    """A release whose revisions have these statuses, from 1 on."""
    lines = [
        {"revision": n, "updated": f"2026-01-01T00:00:0{n}.123456789Z", "status": status}
        for n, status in enumerate(statuses, 1)
    ]
    return read_history(Completed(0, json.dumps(lines), ""))


def test_no_release() -> None:
    found = read_history(Completed(1, "", "Error: release: not found\n"))
    assert found.latest is None
    assert found.number == 0
    assert found.to_return_to is None


def test_a_silent_cluster_misses_no_release() -> None:
    """A cluster that does not answer is no missing release."""
    with pytest.raises(AdapterError, match="Kubernetes cluster unreachable"):
        read_history(Completed(1, "", "Error: Kubernetes cluster unreachable: connection refused"))


@pytest.mark.parametrize("text", ["", "null", '{"a": 1}', "[{}]"])
def test_an_answer_that_is_no_history(text: str) -> None:
    with pytest.raises(AdapterError, match="helm history"):
        read_history(Completed(0, text, ""))


def test_nanoseconds() -> None:
    first = history("deployed").latest
    assert first is not None
    assert first.updated_ms == 1767225601123


@pytest.mark.parametrize(
    ("statuses", "pending", "target"),
    [
        (("pending-install",), True, None),
        (("deployed", "pending-upgrade"), True, 1),
        (("superseded", "deployed", "failed", "pending-rollback"), True, 2),
        (("failed", "pending-upgrade"), True, 1),
        (("pending-upgrade", "deployed"), False, 2),
        (("deployed", "failed"), False, 1),
        (("superseded", "uninstalling"), True, 1),
    ],
)
def test_where_healing_goes(statuses: tuple[str, ...], pending: bool, target: int | None) -> None:
    found = history(*statuses)
    assert (found.pending is not None) == pending
    goes_to = found.to_return_to
    assert (goes_to.revision if goes_to is not None else None) == target


@pytest.mark.parametrize(
    ("statuses", "target"),
    [
        (("superseded", "deployed"), 1),
        (("superseded", "superseded", "failed", "deployed"), 2),
        (("deployed", "failed"), 1),
        (("deployed",), None),
        (("failed", "deployed"), None),
    ],
)
def test_where_a_rollback_without_a_revision_goes(
    statuses: tuple[str, ...], target: int | None
) -> None:
    found = history(*statuses).before_latest
    assert (found.revision if found is not None else None) == target


def test_warnings_are_no_part_of_a_message() -> None:
    """Warnings of libraries are no part of a message."""
    text = "WARNING: Kubernetes configuration file is group-readable.\nError: no\n  such thing\n"
    assert one_line(text) == "no such thing"


def test_hooks_that_are_tests() -> None:
    hooks = [
        {"name": "a", "events": ["test"], "last_run": {"phase": "Failed"}},
        {"name": "b", "events": ["pre-upgrade"]},
    ]
    text = json.dumps({"name": "web", "version": 1, "hooks": hooks})
    assert [hook.name for hook in read_status(Completed(0, text, "")).tests] == ["a"]
