"""The lines that `events` prints for people."""

import io
from collections.abc import Mapping

import pytest

from orchestrator.cli.view.event import event_line
from orchestrator.cli.view.terminal import Terminal
from tests.cli.cli_samples import at
from tests.row_ids import told_by


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    return Terminal(out, out, no_color=True, as_json=False)


def test_an_event(pipe: Terminal) -> None:
    event = {
        "id": 7,
        "at": at(4),
        "by": {"uid": 0, "user": "root"},
        "type": "job_stop_requested",
        "job": 118,
        "environment": "production",
        "step": None,
        "cause": "cancel",
        "reason": "a\nb",
        "empty": None,
        "list": [1],
    }
    assert event_line(event, pipe) == (
        "2026-01-31 12:04:00  7  job_stop_requested  job 118  production  by root  "
        "cause=cancel  reason=a\\nb  list=[1]"
    )


ADA, BOB = {"uid": 1000, "user": "ada"}, {"uid": 1001, "user": "bob"}
STOP = {"cause": "timed_out", "at": at(4), "by": None, "reason": "after 2h"}
LEFT = {"found": "a lock\x1b is left", "commands": ["tool unlock 4711", "rm x"]}
DEBT = {
    **{"job": 118, "pipeline": "web-cleanup", "kind": "cleanup", "params": {"version": "v1"}},
    **{"submitter": ADA, "since": at(4), "locks": ["vpc"], "conclusion": None},
    **{"excludes": ["deploy"], "secrets": {}},
}
QUESTION: dict[str, object] = {
    **{"key": "go", "text": "go on?\nreally?", "asked": at(4), "approvals": [], "answer": None},
    "rule": {"roles": ["approver"], "count": 2, "not_submitter": True, "expires": 14400.0},
}
YES = {"by": ADA, "at": at(4), "comment": "fine"}
NO = {"decision": "rejected", "at": at(4), "by": ADA, "comment": "no"}
ENDED = {"conclusion": "not_run", "exit": None, "signal": None, "reason": "halted by plan"}
CAUSE = {"step": "plan", "conclusion": "halted", "exit": 0}
PLAIN: dict[str, object] = {"approvals": [], "none": None, "empty": {}, "no": False}


FIELDS: list[tuple[str, dict[str, object], str]] = [
    ("job_submitted", {"submitter": ADA, "priority": 0, "dirty": True, **PLAIN}, "dirty"),
    ("job_submitted", {"submitter": BOB, "priority": 2}, "for bob  priority=2"),
    (
        "job_submitted",
        {"params": {"a": "x", "b": ["c", "d"]}, "labels": {"t": "a"}, "admin_retry": True},
        "params: a=x b=c,d  labels: t=a  admin retry",
    ),
    ("job_submitted", {"secrets": {"token": "4711/token"}}, "secrets=token"),
    (
        "job_admitted",
        {"run": {"started": at(4), "excludes": ["a", "b"], "locks": ["vpc"], "pays": [3, 4]}},
        "excludes a, b; holds vpc; pays for job 3, job 4",
    ),
    ("job_stop_requested", {"stop": STOP}, 'timed out, "after 2h"'),
    (
        "job_stop_requested",
        {"stop": {**STOP, "by": BOB, "reason": ""}, "after_steps": True},
        "timed out by bob  after steps",
    ),
    (
        "job_approved",
        {"approval": {**YES, "counts_for": ["pipeline"]}},
        'for its pipeline, "fine"',
    ),
    (
        "step_approved",
        {"key": "go", "approval": {**YES, "counts_for": ["step"]}},
        'key=go  "fine"',
    ),
    ("step_answered", {"answer": NO}, 'rejected, "no"'),
    ("step_answered", {"answer": {**NO, "decision": "expired", "comment": ""}}, "expired"),
    (
        "step_asked",
        {"question": QUESTION},
        "asks 2 of approver, not who submitted it, within 4h 00m: go on?; really?",
    ),
    ("step_waiting", {"text": "the lock of ada"}, "waits for the lock of ada"),
    ("step_waiting", {"text": None}, "waits no more"),
    ("step_warned", {"text": "slow"}, "warning: slow"),
    (
        "step_recorded",
        {"record": {"phase": "cleaning_up", "key": "tool", "boot_id": "b"}},
        "tool in cleaning up",
    ),
    (
        "step_recorded",
        {"record": {"phase": "apply", "key": "post", "done": True}},
        "post in apply, done",
    ),
    (
        "step_retry_scheduled",
        {"ending": ENDED, "seconds": 90.0},
        "not run: halted by plan  the next in 1m 30s",
    ),
    ("step_not_run", {"ending": ENDED, "cause": CAUSE}, "not run: halted by plan"),
    (
        "step_not_run",
        {"ending": {**ENDED, "reason": ""}, "cause": CAUSE},
        "not run  because of plan",
    ),
    (
        "debt_incurred",
        {"debt": DEBT},
        "cleanup owed for job 118: web-cleanup version=v1, keeps vpc",
    ),
    (
        "rechecked",
        {"finding": LEFT},
        "found: a lock\\x1b is left (type: tool unlock 4711; rm x)",
    ),
    ("rechecked", {"finding": None}, "clean"),
    ("step_finished", {"finding": None, "sensitive": ["a", "b"]}, "sensitive=a,b"),
    (
        "quarantined",
        {"findings": [LEFT, {"found": "a disk", "commands": []}], "automatic": True},
        "found: a lock\\x1b is left (type: tool unlock 4711; rm x); found: a disk  automatic",
    ),
    (
        "step_applied",
        {"outputs": {"url": "http://x", "zones": ["a", "b"]}},
        "outputs: url=http://x zones=a,b",
    ),
    (
        "of_the_future",
        {"thing": {"a": 1}, "things": [{"a": 1}]},
        'thing: a=1  things=[{"a": 1}]',
    ),
]


@pytest.mark.parametrize(("type", "fields", "said"), FIELDS, ids=told_by(FIELDS, 0, 2))
def test_what_an_event_has_beside_is_in_words(
    pipe: Terminal, type: str, fields: dict[str, object], said: str
) -> None:
    event = {"id": 7, "at": at(4), "by": ADA, "type": type, "job": 118, "step": "a", **fields}
    assert event_line(event, pipe).partition("job 118 a  by ada  ")[2] == said


def test_an_event_says_how_a_step_ended(pipe: Terminal) -> None:
    event = {"id": 7, "at": at(4), "by": None, "type": "step_finished", "job": 1, "step": "a"}
    failed = {"conclusion": "failure", "exit": 1, "signal": None, "reason": "no\x1b route"}
    killed = {"conclusion": "timed_out", "exit": None, "signal": "SIGKILL", "reason": ""}
    skipped = {"conclusion": "skipped", "exit": None, "signal": None, "reason": "when x is false"}

    def said(ending: Mapping[str, object]) -> str:
        return event_line({**event, "ending": ending}, pipe).partition("job 1 a  ")[2]

    assert said(failed) == "failure (exit 1): no\\x1b route"
    assert said(killed) == "timed out (signal SIGKILL)"
    assert said(skipped) == "skipped: when x is false"
