"""What is shown of approvals and of jobs that prepare, and the verbs that answer."""

import socket
from collections.abc import Mapping

import pytest

from orchestrator.cli.client.wire import Cancel, Explanation, Job
from tests.cli.cli_recording import (
    Asked,
    Recording,
    begin_stream,
    end_stream,
    job_event,
    orchestrator,
    problem,
    reply,
)
from tests.cli.cli_samples import (
    APPROVAL,
    RULE,
    STATUS,
    at,
    awaited,
    job,
    pending,
    pending_approval,
    preparing,
    queued,
    running,
    step,
)

BUILD = step("build", section="before")
AT_WORK = {"phase": "applying", "conclusion": None, "exit": None, "finished_at": None}
ASKS = step("verify", "approval", waiting_for=RULE["text"], **AT_WORK)
WAITS = preparing(
    awaits=[awaited()], approvals=[APPROVAL], steps=[BUILD, pending("apply")], params={}
)
EXPLAINED: Explanation = {
    "job": 118,
    "phase": "queued",
    "since": at(4),
    "place": 2,
    "blockers": [
        {"type": "job", "id": 117, "text": "job 117 (web) runs", "since": at(4), "lift": None}
    ],
    "approvals": [],
    "steps": [],
    "awaits": [],
    "passed_over": [],
}
REJECTED: Cancel = {
    "cause": "rejection",
    "by": {"uid": 1001, "user": "bob"},
    "reason": "not on a friday",
    "at": at(5),
    "force": False,
    "force_available_at": None,
}


def printed(daemon: Recording, answers: Mapping[str, object], *words: str) -> str:
    daemon.play(answers)
    ran = orchestrator(daemon.path, *words)
    assert (ran.status, ran.err) == (0, ""), ran
    return ran.out


def test_show_a_job_that_awaits_an_approval(daemon: Recording) -> None:
    out = printed(daemon, {"GET /v1/jobs/118": WAITS}, "show", "118")
    lines = out.splitlines()
    assert lines[0] == 'job 118  web → production  deploy  preparing  ada, "release v1.2.3"'
    assert lines[1].startswith("  approval  approved by bob at ")
    assert lines[1].endswith(', "fine"')
    assert lines[2:6] == [
        "  before",
        "    build  command  41s  success",
        "  steps",
        "    apply  command       pending",
    ]
    assert lines[6].startswith(
        "  awaits approval by approver (1 of 2), not by who submitted it, since "
    )
    assert lines[6].endswith(": orchestrator approve 118")
    assert ", expires 2026-01-31 16:04" in lines[6]


def test_show_a_step_that_awaits_an_approval(daemon: Recording) -> None:
    asking = running(steps=[ASKS], awaits=[awaited("verify")])
    out = printed(daemon, {"GET /v1/jobs/118": asking}, "show", "118")
    assert "verify  approval" in out and "waits for approval by approver (1 of 2)" in out
    assert "  step verify awaits approval by approver" in out
    assert "(release?): orchestrator approve 118 verify" in out


def test_show_what_became_of_it(daemon: Recording) -> None:
    reason = "the job was rejected by bob"
    not_run = pending("apply", phase="finished", conclusion="not_run", reason=reason)
    ended = job(conclusion="rejected", cancel=REJECTED, steps=[not_run], started_at=None)
    clean = {"quarantine": None}
    shown = {"GET /v1/jobs/118": ended, "GET /v1/environments/production": clean}
    out = printed(daemon, shown, "show", "118")
    assert "stop      rejected by bob at " in out and '"not on a friday"' in out
    assert "not run: the job was rejected by bob" in out
    expired = {
        **REJECTED,
        "cause": "expiry",
        "by": None,
        "reason": "nobody approved it within 60 s",
    }
    ended = job(conclusion="expired", cancel=expired, waited_long=True)
    out = printed(daemon, {**shown, "GET /v1/jobs/118": ended}, "show", "118")
    assert ": nobody approved it within 60 s" in out
    assert "warning   it was queued for longer than its max_wait" in out


def test_approvals_puts_mine_first(daemon: Recording) -> None:
    theirs = pending_approval(117, may_answer=False, approvals=[])
    mine = pending_approval(118, "verify")
    out = printed(daemon, {"GET /v1/approvals": {"approvals": [theirs, mine]}}, "approvals")
    first, second = out.split("job 117")
    assert first.splitlines()[0] == (
        'job 118  web → production  deploy  step verify  ada, "release v1.2.3"'
    )
    for said in (
        "asks: release?",
        "plan: +3 ~1 -0",
        "approved by bob",
        "production is held by the job meanwhile",
        "answer: orchestrator approve 118 verify, or: orchestrator reject 118 verify",
    ):
        assert said in first
    assert "approval by approver (1 of 2), not by who submitted it" in second
    assert "answer:" not in second and "held" not in second


def test_a_question_of_several_lines_keeps_them(daemon: Recording) -> None:
    asked = pending_approval(118, "verify", message="judge\nno \x1b[31mred\n  answer: forged")
    out = printed(daemon, {"GET /v1/approvals": {"approvals": [asked]}}, "approvals")
    first = out.index("  asks: judge")
    assert out[first:].splitlines()[1:3] == ["        no \\x1b[31mred", "          answer: forged"]
    waits = running(awaits=[{**asked, "message": "judge\nit"}])
    clean = {"quarantine": None}
    shown = {"GET /v1/jobs/118": waits, "GET /v1/environments/production": clean}
    assert "(judge; it): orchestrator approve" in printed(daemon, shown, "show", "118")


def test_nothing_awaits_an_approval(daemon: Recording) -> None:
    daemon.play({"GET /v1/approvals": {"approvals": []}})
    ran = orchestrator(daemon.path, "approvals")
    assert (ran.status, ran.out, ran.err) == (0, "", "nothing awaits an approval\n")
    assert '"approvals": []' in orchestrator(daemon.path, "approvals", "--json").out


@pytest.mark.parametrize(
    ("answered", "said"),
    [
        (WAITS, "approved; it still needs approval by approver (1 of 2), not by who submitted it"),
        (
            queued(approvals=[APPROVAL]),
            "approved; job 118 is ready, 2nd in the queue: job 117 (web) runs",
        ),
        (running(approvals=[APPROVAL]), "approved; job 118 has begun"),
        (
            running(approvals=[APPROVAL, {**APPROVAL, "step": "verify", "at": at(6)}]),
            "approved; step verify of job 118 goes on",
        ),
    ],
    ids=["prepares", "queued", "running", "step"],
)
def test_approve_says_what_happens_next(daemon: Recording, answered: Job, said: str) -> None:
    answers = {"POST /v1/jobs/118/approve": answered, "GET /v1/jobs/118/explain": EXPLAINED}
    out = printed(daemon, answers, "approve", "118", "verify", "--comment", "fine")
    assert out == f"{said}\n"
    assert daemon.asked[0].body == {"step": "verify", "comment": "fine"}


@pytest.mark.parametrize(
    ("words", "answered", "said"),
    [
        ((), job(conclusion="rejected", cancel=REJECTED), "job 118 has ended as rejected"),
        (
            (),
            running(phase="cancelling", cancel=REJECTED),
            "job 118 ends as rejected when its finally steps have run",
        ),
        (("verify",), running(), "step verify of job 118 ends as its outcomes say"),
        ((), running(), "the step that asked of job 118 ends as its outcomes say"),
    ],
    ids=["ended", "ends", "step", "the only step"],
)
def test_reject_says_what_happens_next(
    daemon: Recording, words: tuple[str, ...], answered: Job, said: str
) -> None:
    out = printed(daemon, {"POST /v1/jobs/118/reject": answered}, "reject", "118", *words)
    assert out == f"rejected: {said}\n"


def test_an_answer_as_json(daemon: Recording) -> None:
    for verb in ("approve", "reject"):
        out = printed(daemon, {f"POST /v1/jobs/118/{verb}": queued()}, verb, "118", "--json")
        assert '"phase": "queued"' in out


@pytest.mark.parametrize(("status", "exit"), [(403, 3), (404, 13), (409, 13)])
def test_refusals(daemon: Recording, status: int, exit: int) -> None:
    def refused(asked: Asked, connection: socket.socket) -> None:
        problem(connection, status, "bob has approved job 118 already")

    daemon.play({"POST /v1/jobs/118/approve": refused})
    ran = orchestrator(daemon.path, "approve", "118")
    assert (ran.status, ran.err) == (exit, "error: bob has approved job 118 already\n")


def test_status_shows_what_prepares_and_what_awaits_approval(daemon: Recording) -> None:
    building = preparing(7, steps=[{**BUILD, **AT_WORK}])
    approvals = [pending_approval(8, may_answer=False), pending_approval(118, "verify")]
    status = {**STATUS, "preparing": [building, WAITS], "approvals": approvals}
    out = printed(daemon, {"GET /v1/status": status}, "status")
    prepares = out[out.index("preparing\n") : out.index("waiting\n")]
    assert "build: applying" in prepares and "awaits approval" in prepares
    asked = out[out.index("awaiting approval\n") :].splitlines()
    assert asked[1].split()[:6] == ["118", "web", "→", "production,", "step", "verify"]
    assert asked[1].endswith("orchestrator approve 118 verify")
    assert asked[2].split()[0] == "8" and "orchestrator" not in asked[2]


def test_explain_a_job_that_prepares(daemon: Recording) -> None:
    building = preparing(steps=[{**BUILD, **AT_WORK}, pending("plan", section="before")])
    explained = {**EXPLAINED, "phase": "preparing", "place": None, "blockers": []}
    explained["steps"] = [{**building["steps"][0], "lift": None}]
    explained["approvals"] = ["approval by approver (0 of 2)"]
    answers = {"GET /v1/jobs/118": building, "GET /v1/jobs/118/explain": explained}
    lines = printed(daemon, answers, "explain", "118").splitlines()
    assert "is preparing since" in lines[0]
    assert lines[1:] == [
        "  at work  build: applying",
        "  then its steps before: plan",
        "  then approval by approver (0 of 2)",
    ]


@pytest.mark.parametrize("staying", ["--wait", "--follow"])
def test_who_stays_is_told_once_how_to_answer(daemon: Recording, staying: str) -> None:
    def watch(asked: Asked, connection: socket.socket) -> None:
        begin_stream(connection)
        for seen in (WAITS, {**WAITS, "reason": "x"}, job(conclusion="rejected")):
            job_event(connection, seen)
        end_stream(connection)

    daemon.play({"POST /v1/jobs": WAITS, "GET /v1/jobs/118/watch": watch})
    ran = orchestrator(daemon.path, "submit", "web", "production", staying)
    assert ran.status == 6
    assert ran.err.count("job 118 awaits approval by approver (1 of 2)") == 1
    assert "answer: orchestrator approve 118, or: orchestrator reject 118" in ran.err


def test_drain_does_not_wait_for_people(daemon: Recording) -> None:
    """Drain waits for what works before the job, and not for people."""
    building = preparing(7, steps=[{**BUILD, **AT_WORK}])
    idle = {**STATUS, "running": [], "preparing": [preparing(7, steps=[BUILD]), WAITS]}

    def watch(asked: Asked, connection: socket.socket) -> None:
        begin_stream(connection)
        job_event(connection, building)
        job_event(connection, preparing(7, steps=[BUILD]))

    daemon.play(
        {
            "POST /v1/daemon/drain": {**idle, "preparing": [building, WAITS]},
            "GET /v1/jobs/7/watch": watch,
            "GET /v1/status": lambda asked, connection: reply(connection, idle),
        }
    )
    assert orchestrator(daemon.path, "drain", "--wait").status == 0
    assert not any("118" in one.path for one in daemon.asked)


def test_a_cancel_that_leaves_only_handlers(daemon: Recording) -> None:
    cancel = {
        "cause": "cancel",
        "by": {"uid": 0, "user": "root"},
        "reason": None,
        "at": at(5),
        "force": False,
        "force_available_at": at(10),
    }
    report = step("report", section="finally", **AT_WORK)
    stopping = running(phase="cancelling", cancel=cancel, steps=[report])
    out = printed(daemon, {"POST /v1/jobs/118/cancel": stopping}, "cancel", "118")
    assert "Its finally steps run to their end; an admin's --force ends them." in out


def test_cancel_takes_what_prepares_in_an_environment(daemon: Recording) -> None:
    environment = {"preparing": [7], "queued": [8], "running": [9], "quarantine": None}
    ends = {f"POST /v1/jobs/{n}/cancel": job(n, conclusion="cancelled") for n in (7, 8, 9)}
    printed(daemon, {"GET /v1/environments/x": environment, **ends}, "cancel", "--environment", "x")
    assert [one.path for one in daemon.asked[1:]] == [f"/v1/jobs/{n}/cancel" for n in (7, 8, 9)]
