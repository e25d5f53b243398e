"""What each verb prints for people, whole. The clock stands at 12:10 of the recorded day."""

import io
from collections.abc import Sequence

import pytest

from orchestrator.cli.client.wire import (
    Awaited,
    ConfigurationState,
    DaemonState,
    DryRun,
    Environment,
    Explanation,
    LiftableBlocker,
    Pipeline,
    PipelineStep,
    Quarantine,
    Recheck,
    ResolvedStep,
    Status,
    Step,
    StepUnderWay,
    UnknownRun,
)
from orchestrator.cli.view.cancel import cancel_lines
from orchestrator.cli.view.dryrun import dry_run_lines
from orchestrator.cli.view.environment import environment_lines, environment_table
from orchestrator.cli.view.explanation import explanation_lines, ordinal
from orchestrator.cli.view.job import job_lines
from orchestrator.cli.view.joblist import job_table
from orchestrator.cli.view.pipeline import pipeline_lines, pipeline_table
from orchestrator.cli.view.status import status_lines
from orchestrator.cli.view.steps import step_lines
from orchestrator.cli.view.terminal import Terminal, table
from orchestrator.cli.view.times import instant
from orchestrator.cli.view.unknown import unknown_lines
from tests.cli import cli_samples as samples
from tests.cli.cli_samples import at, job, pending, queued, running, step

NOW = instant(at(10))


class Screen(io.TextIOWrapper):
    """Says that it is a terminal."""

    def __init__(self, on_terminal: bool) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8")
        self._on_terminal = on_terminal

    def isatty(self) -> bool:
        return self._on_terminal


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()


@pytest.fixture
def pipe() -> Terminal:
    return Terminal(Screen(False), Screen(False), no_color=False, as_json=False)


@pytest.fixture
def screen() -> Terminal:
    """A terminal, without colour so that what is compared can be read."""
    return Terminal(Screen(True), Screen(True), no_color=True, as_json=False)


def shown(lines: list[str]) -> str:
    assert not any(line != line.rstrip() for line in lines)
    return "\n" + "\n".join(lines) + "\n"


def test_show_on_a_terminal(screen: Terminal) -> None:
    assert (
        shown(job_lines(samples.HALTED, screen, NOW))
        == """
job 118  web → production  deploy  ◐ success, halted by plan  2m 04s  ada, "release v1.2.3"
  params    version=v1.2.3
  before
    ✓ build   command    41s
    ◐ plan    terraform  12s  halted: no changes (exit 0)
  steps
    · apply   terraform       not run: halted by plan (exit 0: no changes)
    · smoke   command         not run: halted by plan (exit 0: no changes)
  finally
    ✓ report  command    2s
""".replace("◐ success", "✓ success")
    )


def test_show_in_a_pipe_uses_words(pipe: Terminal) -> None:
    """Show in a pipe says the same in words."""
    assert (
        shown(job_lines(samples.HALTED, pipe, NOW))
        == """
job 118  web → production  deploy  success, halted by plan  2m 04s  ada, "release v1.2.3"
  params    version=v1.2.3
  before
    build   command    41s  success
    plan    terraform  12s  halted: no changes (exit 0)
  steps
    apply   terraform       not run: halted by plan (exit 0: no changes)
    smoke   command         not run: halted by plan (exit 0: no changes)
  finally
    report  command    2s   success
"""
    )


@pytest.mark.parametrize(
    ("owed_by", "pays", "told"),
    [(None, [117, 118], "pays      for job 117, 118"), (117, [117], None), (None, [], None)],
    ids=["by hand", "the owed one", "nothing"],
)
def test_show_what_a_run_pays(
    pipe: Terminal, owed_by: int | None, pays: list[int], told: str | None
) -> None:
    lines = job_lines(job(cleanup_for=owed_by, pays=pays), pipe, NOW)
    assert [line.strip() for line in lines if "pays" in line] == ([told] if told else [])


def test_show_a_failure_that_left_a_quarantine(pipe: Terminal) -> None:
    failed = job(
        conclusion="failure",
        dirty=True,
        reason=None,
        params={},
        retry_of=117,
        labels={"team": "a"},
        url="https://ci/1",
        steps=[
            step("plan", warnings=["slow"]),
            step("apply", "terraform", conclusion="failure", exit=1, reason="No\x1b[2J", attempt=2),
            step("load", conclusion="failure", exit=None, signal="SIGKILL"),
            step("late", conclusion="timed_out", exit=None),
            pending(
                "smoke",
                phase="finished",
                conclusion="not_run",
                reason="apply failed (exit 1)",
                cause={"type": "step", "step": "apply", "conclusion": "failure", "exit": 1},
            ),
            pending("extra", phase="finished", conclusion="skipped", reason="when says so"),
        ],
    )
    assert (
        shown(job_lines(failed, pipe, NOW, samples.QUARANTINE))
        == """
job 118  web → production  deploy  failure, dirty  2m 04s  ada
  labels    team=a
  url       https://ci/1
  retry of  job 117
  steps
    plan   command    41s  success
      warning: slow
    apply  terraform  41s  failure: No\\x1b[2J (exit 1) in attempt 2
    load   command    41s  failure (signal SIGKILL)
    late   command    41s  timed out
    smoke  command         not run: apply failed (exit 1)
    extra  command         skipped: when says so
  quarantine of production since 12:03 (7 min), by job 118 (apply)
    found: the state is locked by ada@host, apply, since 12:00
    type:  terraform -chdir=infra force-unlock 5f0c…
    then:  orchestrator recheck production
    or let it go (admin): orchestrator waive production --reason …
  look:  orchestrator log 118 apply
  state: orchestrator environment production
  again: orchestrator retry 118
"""
    )


def at_work(name: str = "apply", /, **fields: object) -> Step:
    live = {"phase": "applying", "conclusion": None, "exit": None, "finished_at": None}
    return step(name, "terraform", **{**live, **fields})


WAITS_FOR_ADA = {"waiting_for": "the lock of ada", "waiting_since": at(3)}


def test_show_what_runs(pipe: Terminal) -> None:
    going = running(
        steps=[
            at_work(
                progress={"done": 3, "total": 10, "text": "resources"},
                last_output_at=at(4),
                pid=4711,
            ),
            at_work("canary", phase="acquiring", attempt=2, **WAITS_FOR_ADA),
            at_work("old", phase="acquiring", waiting_for="the lock of bob"),
            pending("smoke"),
        ]
    )
    assert (
        shown(job_lines(going, pipe, NOW))
        == """
job 118  web → production  deploy  running  9m 55s  ada, "release v1.2.3"
  params    version=v1.2.3
  steps
    apply   terraform  9m 50s  applying, 3/10 resources, silent for 6 min (pid 4711)
    canary  terraform  9m 50s  acquiring (attempt 2), waits since 12:03 (7 min) for the lock of ada
    old     terraform  9m 50s  acquiring, waits for the lock of bob
    smoke   command            pending
  watch: orchestrator log 118 -f
  stop:  orchestrator cancel 118
"""
    )


CANCEL = {
    "cause": "cancel",
    "by": {"uid": 0, "user": "root"},
    "reason": "wrong",
    "at": at(5),
    "force": False,
    "force_available_at": at(15),
}


def test_show_what_waits_and_what_is_being_stopped(pipe: Terminal) -> None:
    waiting = queued(blockers=[{"type": "job", "id": 117, "text": "job 117 runs", "since": at(4)}])
    assert (
        shown(job_lines(waiting, pipe, NOW))
        == """
job 118  web → production  deploy  queued  ada, "release v1.2.3"
  params    version=v1.2.3
  waits for
    job 117 runs, since 12:04 (6 min)
  why it waits: orchestrator explain 118
  stop:  orchestrator cancel 118
"""
    )
    stopping = running(phase="cancelling", cancel=CANCEL, params={})
    assert (
        shown(job_lines(stopping, pipe, NOW))
        == """
job 118  web → production  deploy  cancelling  9m 55s  ada, "release v1.2.3"
  stop      asked to stop by root at 12:05, "wrong"
  watch: orchestrator log 118 -f
  If it hangs, an admin may force from 12:15 on: orchestrator cancel 118 --force
"""
    )


def test_jobs(pipe: Terminal) -> None:
    listed = [queued(120), running(119, environment="a/b"), samples.HALTED]
    assert (
        shown(job_table(listed, pipe, NOW))
        == """
JOB  PIPELINE          KIND    STATE                    SUBMITTED  TOOK    BY
120  web → production  deploy  queued                   12:00              ada, "release v1.2.3"
119  web → a/b         deploy  running                  12:00      9m 55s  ada, "release v1.2.3"
118  web → production  deploy  success, halted by plan  12:00      2m 04s  ada, "release v1.2.3"
"""
    )
    assert job_table([], pipe, NOW) == []


def test_explain(pipe: Terminal) -> None:
    explanation: Explanation = {
        "job": 121,
        "phase": "queued",
        "since": at(4),
        "place": 3,
        "blockers": [
            {
                "type": "cleanup_debt",
                "id": 118,
                "text": "cleanup owed",
                "since": at(8),
                "lift": None,
            },
            {
                "type": "order",
                "id": 120,
                "text": "job 120 first",
                "since": None,
                "lift": "an admin",
            },
        ],
        "approvals": [],
        "steps": [],
        "awaits": [],
        "passed_over": [],
    }
    assert (
        shown(explanation_lines(explanation, queued(121), pipe, NOW))
        == """
job 121  web → production  deploy  waits since 12:04 (6 min), 3rd in the queue
  1  cleanup owed, since 12:08 (2 min)
  2  job 120 first                      lift it: an admin
"""
    )
    done: Explanation = {
        **explanation,
        "phase": "finished",
        "since": None,
        "place": None,
        "blockers": [],
    }
    assert (
        shown(explanation_lines(done, job(121), pipe, NOW))
        == """
job 121  web → production  deploy  does not wait: it has finished (success)
  what happened: orchestrator show 121
"""
    )


def lifted(step: Step, lift: str | None = None) -> StepUnderWay:
    return {**step, "lift": lift}


def explained(
    phase: str,
    *steps: StepUnderWay,
    awaits: Sequence[Awaited] = (),
    blockers: Sequence[LiftableBlocker] = (),
) -> Explanation:
    return {
        "job": 118,
        "phase": phase,
        "since": at(1),
        "place": None,
        "blockers": [*blockers],
        "approvals": [],
        "steps": [*steps],
        "awaits": [*awaits],
        "passed_over": [],
    }


def test_explain_what_running_steps_wait_for(pipe: Terminal) -> None:
    asks = {"waiting_for": samples.RULE["text"], "waiting_since": at(4)}
    retried = {"phase": "pending", "attempts": 3, "exit": 1, "next_attempt_at": at(10, 10)}
    full: LiftableBlocker = {
        "type": "capacity",
        "id": "host",
        "text": "no slot",
        "since": None,
        "lift": None,
    }
    steps = [
        lifted(at_work("load", progress={"done": 3, "total": 10, "text": "users"})),
        lifted(at_work("verify", **asks), "approve it"),
        lifted(at_work("canary[eu]", **asks), "or this"),
        lifted(at_work("apply", phase="acquiring", **WAITS_FOR_ADA)),
        lifted(at_work("smoke", **retried)),
        lifted(at_work("soak")),
    ]
    awaits = [samples.awaited("verify"), samples.awaited("canary[eu]", message=None)]
    explanation = explained("running", *steps, awaits=awaits, blockers=[full])
    who = "awaits approval by approver (1 of 2), not by who submitted it, since 12:04 (6 min)"
    failed = "attempt 1 of 3 failed (exit 1), the next begins at 12:10 (in 10 s)"
    assert explanation_lines(explanation, running(), pipe, NOW) == [
        "job 118  web → production  deploy  runs since 12:01 (9 min)",
        f"  1  step verify {who}, expires 16:04 (release?)  answer: approve it",
        f"  2  step canary[eu] {who}, expires 16:04{' ' * 8} answer: or this",
        "  3  apply: acquiring, waits since 12:03 (7 min) for the lock of ada",
        f"  4  smoke: {failed}",
        "  5  no slot",
        "  at work  load: applying, 3/10 users",
        "           soak: applying",
    ]


def test_explain_on_a_narrow_terminal(pipe: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lifts it stands below, and every command in one piece."""
    monkeypatch.setattr(Terminal, "width", 60)
    closed: LiftableBlocker = {
        "type": "quarantine",
        "id": "production",
        "text": "production is under quarantine since job 7: a lock is left in the state",
        "since": at(4),
        "lift": "look: orchestrator environment production; then: orchestrator recheck production, "
        "or an admin: orchestrator waive production --reason …",
    }
    order: LiftableBlocker = {
        "type": "order",
        "id": 7,
        "text": "order: job 7 (web) goes first",
        "since": None,
        "lift": None,
    }
    explanation: Explanation = {**explained("queued", blockers=[closed, order]), "place": 2}
    assert explanation_lines(explanation, queued(), pipe, NOW) == [
        "job 118  web → production  deploy",
        "  waits since 12:01 (9 min), 2nd in the queue",
        "  1  production is under quarantine since job 7: a lock is",
        "     left in the state, since 12:04 (6 min)",
        "     lift it: look: orchestrator environment production;",
        "     then: orchestrator recheck production, or an admin:",
        "     orchestrator waive production --reason …",
        "  2  order: job 7 (web) goes first",
    ]


def test_explain_who_goes_before_it(pipe: Terminal) -> None:
    """Who keeps a lock from it, and who took one while it waited."""
    reserved: LiftableBlocker = {
        "type": "reserved",
        "id": "net",
        "text": "lock net is reserved for job 7",
        "since": at(4),
        "lift": "orchestrator explain 7",
    }
    explanation = explained("queued", blockers=[reserved])
    explanation["passed_over"] = [
        {"job": 130 - n, "pipeline": "web", "environment": "east", "at": at(8 - n)}
        for n in range(4)
    ]
    who = "job 130 (web, east), job 129 (web, east), job 128 (web, east), …"
    assert explanation_lines(explanation, queued(), pipe, NOW)[1:] == [
        "  1  lock net is reserved for job 7, since 12:04 (6 min)  see: orchestrator explain 7",
        f"  passed over 4 times, by {who}, the last at 12:08 (2 min)",
    ]
    explanation["passed_over"] = explanation["passed_over"][:1]
    last = explanation_lines(explanation, queued(), pipe, NOW)[-1]
    assert last == "  passed over once, by job 130 (web, east), at 12:08 (2 min)"


def test_explain_a_job_whose_steps_just_work(pipe: Terminal) -> None:
    assert explanation_lines(explained("running", lifted(at_work())), running(), pipe, NOW) == [
        "job 118  web → production  deploy  runs since 12:01 (9 min), waits for nothing",
        "  at work  apply: applying",
    ]


def test_explain_a_job_that_is_being_stopped(pipe: Terminal) -> None:
    stopping = running(phase="cancelling", cancel=CANCEL)
    ends = at_work(phase="cancelling", progress={"done": 2, "total": None, "text": "left"})
    assert explanation_lines(explained("cancelling", lifted(ends)), stopping, pipe, NOW) == [
        "job 118  web → production  deploy  is being cancelled since 12:01 (9 min)",
        '  asked to stop by root at 12:05, "wrong"',
        "  at work  apply: cancelling, 2 left",
        "  If it hangs, an admin may force from 12:15 on: orchestrator cancel 118 --force",
    ]


def test_what_is_typed_for_a_matrix(pipe: Terminal) -> None:
    """What is typed for a step of a matrix is ready for a shell."""
    asking = running(steps=[], awaits=[samples.awaited("canary[eu]")])
    assert any(
        line.endswith(": orchestrator approve 118 'canary[eu]'")
        for line in job_lines(asking, pipe, NOW)
    )


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (13, "13th"), (22, "22nd")],
)
def test_ordinals(number: int, text: str) -> None:
    assert ordinal(number) == text


def test_cancel(pipe: Terminal) -> None:
    stopping = running(
        phase="cancelling",
        cancel=CANCEL,
        steps=[
            at_work(
                phase="cancelling",
                pid=4711,
                progress={"done": 2, "total": None, "text": "left"},
            ),
            at_work("canary", phase="cleaning_up"),
        ],
    )
    assert (
        shown(cancel_lines(stopping, pipe, NOW))
        == """
job 118  terraform (apply) was asked to stop (pid 4711): 2 left.
         terraform (canary) has ended; what it held is being released and verified. \
Watch: orchestrator log 118 -f
         If it hangs, an admin may force from 12:15 on: orchestrator cancel 118 --force
"""
    )
    let_end = running(
        phase="cancelling",
        cancel=CANCEL,
        steps=[at_work(phase="cancelling", pid=4711, waiting_for="its end: it can't be stopped")],
    )
    assert cancel_lines(let_end, pipe, NOW)[0].startswith(
        "job 118  terraform (apply) is stopping (pid 4711): "
        "it waits for its end: it can't be stopped. Watch:"
    )
    never = job(conclusion="cancelled", started_at=None)
    assert cancel_lines(never, pipe, NOW) == [
        "job 118  web → production was cancelled before it began."
    ]
    assert cancel_lines(job(), pipe, NOW) == ["job 118  web → production has finished: success."]


def test_environment(pipe: Terminal) -> None:
    assert (
        shown(environment_lines(samples.ENVIRONMENT, pipe, NOW))
        == """
environment production  quarantined, owes cleanup
  queued  120, 121
  locks   shared-vpc
  last    118, 117
  cleanup owed for job 118: web-cleanup, since 12:02 (8 min), keeps shared-vpc
  quarantine of production since 12:03 (7 min), by job 118 (apply)
    found: the state is locked by ada@host, apply, since 12:00
    type:  terraform -chdir=infra force-unlock 5f0c…
    then:  orchestrator recheck production
    or let it go (admin): orchestrator waive production --reason …
"""
    )


@pytest.mark.parametrize(
    ("recheck", "lines"),
    [
        (
            samples.RECHECK,
            """
    recheck: asked for 12:08 (2 min) by ada, waits for
      job 119 (e2e) runs, and a recheck runs alone
    stop it: orchestrator cancel production/recheck-2
""",
        ),
        (
            {**samples.RECHECK, "by": None, "started": samples.at(9), "blockers": []},
            """
    recheck: looking since 12:09 (1 min)
    stop it: orchestrator cancel production/recheck-2
""",
        ),
        (
            {
                **samples.RECHECK,
                "started": samples.at(9),
                "cancel": {
                    "cause": "cancel",
                    "by": {"uid": 7, "user": "eve"},
                    "reason": "enough",
                    "at": samples.at(9),
                    "force": False,
                    "force_available_at": None,
                },
                "blockers": [],
            },
            """
    recheck: asked to stop by eve at 12:09, "enough"; what it runs is waited for
    or (admin): orchestrator cancel production/recheck-2 --force
""",
        ),
    ],
    ids=["waits", "looks", "is stopped"],
)
def test_environment_that_is_looked_at(pipe: Terminal, recheck: Recheck, lines: str) -> None:
    quarantine: Quarantine = {**samples.QUARANTINE, "recheck": recheck}
    environment: Environment = {**samples.ENVIRONMENT, "quarantine": quarantine}
    assert shown(environment_lines(environment, pipe, NOW)).endswith(lines[1:])


def test_environments(pipe: Terminal) -> None:
    free: Environment = {
        **samples.ENVIRONMENT,
        "name": "staging",
        "queued": [],
        "debts": [],
        "quarantine": None,
        "locks": [],
    }
    busy: Environment = {**free, "name": "test", "running": [3, 4], "retired": True}
    assert (
        shown(environment_table([samples.ENVIRONMENT, free, busy], pipe, NOW))
        == """
ENVIRONMENT  STATE                      RUNNING  QUEUED  LOCKS
production   quarantined, owes cleanup           2       shared-vpc
staging      free
test         busy, retired              3, 4
"""
    )


def test_pipelines(pipe: Terminal) -> None:
    anywhere: Pipeline = {
        **samples.PIPELINE,
        "name": "x",
        "environments": None,
        "cleanup": None,
    }
    assert (
        shown(pipeline_table([samples.PIPELINE, anywhere], pipe))
        == """
PIPELINE  KIND    ENVIRONMENTS         STEPS  CLEANUP      DESCRIPTION
web       deploy  staging, production  5      web-cleanup  Terraform, canary, release
x         deploy  every one            5                   Terraform, canary, release
"""
    )
    assert (
        shown(pipeline_lines(samples.PIPELINE, pipe))
        == """
web  deploy  Terraform, canary, release
  environments  staging, production
  cleanup       web-cleanup
  stop          submitters: queued, preparing, acquiring
                admins: applying, cleaning up
  params
    version  string                   required                 ^v\\d+$
    regions  list of at least 1 item  default eu,us            of eu, us, ap  where
    count    integer 1 to 10          required, for example 3
  before
    plan   terraform
  steps
    apply  terraform  touches
    ┌─ a   command    touches
    └─ b   command
    end    command    touches
"""
    )


def test_show_says_when_the_next_attempt_begins(pipe: Terminal) -> None:
    def waiting(**fields: object) -> Step:
        began = {"started_at": at(9), "attempts": 3, "exit": 1, "conclusion": None}
        return pending("apply", **{**began, "next_attempt_at": at(10, 10), **fields})

    def said(step: Step) -> str:
        return step_lines(running(steps=[step]), pipe, NOW)[1].strip()

    assert said(waiting()).endswith(
        "attempt 1 of 3 failed (exit 1), the next begins at 12:10 (in 10 s)"
    )
    assert said(waiting(next_attempt_at=at(10), attempt=2, reason="no route")).endswith(
        "attempt 2 of 3 failed: no route (exit 1), the next begins with the next free slot"
    )
    second = waiting(phase="applying", attempt=2, next_attempt_at=None, exit=None)
    assert said(second).endswith("applying (attempt 2 of 3)")
    ended = samples.step("apply", attempt=3, attempts=3, exit=0)
    assert said(ended).endswith("success: in attempt 3 of 3")


def test_show_keeps_the_steps_of_a_stage_together(pipe: Terminal) -> None:
    steps = [
        samples.step("build"),
        samples.step("unit", stage="tests"),
        samples.step("docs"),
        samples.step("lint", stage="tests"),
    ]
    assert step_lines(job(steps=steps), pipe, NOW) == [
        "  steps",
        "    build   command  41s  success",
        "    stage tests",
        "      unit  command  41s  success",
        "      lint  command  41s  success",
        "    docs    command  41s  success",
    ]


def planned(step: PipelineStep, turn: int) -> ResolvedStep:
    return {
        "name": step["name"],
        "uses": step["uses"],
        "section": step["section"],
        "stage": step["stage"],
        "needs": step["needs"],
        "touches": step["touches"],
        "with": {"dir": "infra"},
        "turn": turn,
        "env": {"LEVEL": "3"},
        "when": None,
        "outcomes": [],
        "matrix": None,
        "max_parallel": None,
        "later": [],
        "secrets": [],
    }


def test_dry_run(pipe: Terminal) -> None:
    plan_step, apply, beside, after, _ = (
        planned(one, turn)
        for one, turn in zip(samples.PIPELINE["steps"], (1, 2, 3, 3, 4), strict=True)
    )
    apply["when"] = {"text": "x", "holds": None, "why": None}
    apply["with"] = {"dir": "infra", "plan": "${steps.plan.outputs.plan}\x1b"}
    apply["later"] = ["${steps.plan.outputs.plan}"]
    beside["env"] = {"LEVEL": "3", "TOKEN": "***", "REGION": "eu"}
    beside["secrets"] = ["cloud-token"]
    beside["when"] = {"text": "y", "holds": False, "why": "when y is false (y is 1)"}
    after["outcomes"] = [
        {"match": "exit 75", "then": "warn", "reason": "busy", "skip": []},
        {"match": "exit 3", "then": "continue", "reason": None, "skip": ["end"]},
    ]
    after["max_parallel"] = 2
    plan: DryRun = {
        "dry_run": True,
        "pipeline": "web",
        "environment": "production",
        "kind": "deploy",
        "params": {"version": "v1"},
        "steps": [plan_step, apply, beside, after],
        "approvals": [
            {
                "rule": "environment",
                "text": "approval by approver (0 of 2)",
                "roles": ["approver"],
                "count": 2,
                "not_submitter": False,
                "expires": 14400.0,
            }
        ],
        "cleanup": {"pipeline": "web-cleanup", "params": {"version": "v1"}},
        "blockers": [{"type": "job", "id": 1, "text": "job 1 runs", "since": at(4), "lift": None}],
        "pays": [117, 118],
    }
    assert (
        shown(dry_run_lines(plan, pipe, NOW))
        == """
dry run  web → production  deploy
  params    version=v1
  env       LEVEL=3
  before
     1  plan  terraform
         dir = "infra"
  approval by approver (0 of 2), expires after 4h 00m, asked by the environment
  steps
     2  apply  terraform  touches
         dir = "infra"
         plan = "${steps.plan.outputs.plan}\\u001b"
         when x: only the run knows
         only the run knows ${steps.plan.outputs.plan}
     3  a      command  touches  would be skipped
         dir = "infra"
         env TOKEN = "***"
         env REGION = "eu"
         when y is false (y is 1)
         secret cloud-token: read when the step begins
     3  b      command  2 at once
         dir = "infra"
         exit 75: warn (busy)
         exit 3: continue, skips end
  steps of one number can run side by side
  it would owe  web-cleanup version=v1
  it would pay  for job 117, 118, and asks nobody for that
  once it is ready it would wait for
    job 1 runs, since 12:04 (6 min)
"""
    )


def test_status(pipe: Terminal) -> None:
    assert (
        shown(status_lines(samples.STATUS, pipe, NOW))
        == """
daemon 0.1.0, pid 4711, up since 12:00 (10 min), capacity 1 of 8 in use
  draining since 12:01 (9 min), by root, "upgrade": admits nothing; orchestrator resume
  the configuration has mistakes; in force is the one of 12:00:
    pipelines/web.toml:3: kind: there is no kind x
running
  119  web → production  running  9m 55s  ada, "release v1.2.3"  \
apply: applying, 3/10 resources, silent for 9 min
waiting
  120  web → production  queued  10 min  ada, "release v1.2.3"  the daemon drains
debts
  production: cleanup owed for job 118: web-cleanup, since 12:02 (8 min)
quarantines
  quarantine of production since 12:03 (7 min), by job 118 (apply)
    found: the state is locked by ada@host, apply, since 12:00
    type:  terraform -chdir=infra force-unlock 5f0c…
    then:  orchestrator recheck production
    or let it go (admin): orchestrator waive production --reason …
unknown to the journal
  job 121 (web) may be at work in production, found 12:04 (6 min): nothing starts there
    look:  2 of its tools at work: pid 4712, 4713; /var/lib/orchestrator/jobs/121
    type:  orchestrator unknown 121 --wait --reason … (admin; --dead: you know that nothing of it \
lives)
"""
    )


def test_unknown_run_that_was_judged(pipe: Terminal) -> None:
    """One to be waited for may still be called dead; of a dead one nothing is left to say."""
    waited: UnknownRun = {
        **samples.UNKNOWN,
        "pipeline": None,
        "environments": ["a", "b"],
        "since": None,
        "pids": [],
        "waiting": True,
        "by": {"uid": 0, "user": "root"},
        "reason": "ps shows it",
    }
    assert unknown_lines([waited], NOW) == [
        "  job 121 may be at work in a, b: nothing starts there",
        "    look:  none of its tools is at work now; /var/lib/orchestrator/jobs/121",
        '    said:  wait until nothing of it lives, by root, "ps shows it"',
        "    type:  orchestrator unknown 121 --dead --reason …",
    ]
    dead: UnknownRun = {**waited, "waiting": False}
    assert unknown_lines([dead], NOW)[-1] == '    said:  it is dead, by root, "ps shows it"'


def test_environment_with_an_unknown_run(pipe: Terminal) -> None:
    environment: Environment = {**samples.ENVIRONMENT, "quarantine": None, "unknown": [121]}
    text = shown(environment_lines(environment, pipe, NOW))
    assert "environment production  unknown run, owes cleanup" in text
    assert "job 121, which the journal does not know, may be at work here: orchestrator un" in text


def test_status_says_of_when_the_configuration_is(pipe: Terminal) -> None:
    daemon = samples.STATUS["daemon"]
    sound: ConfigurationState = {**daemon["configuration"], "problems": []}
    status: Status = {**samples.STATUS, "daemon": {**daemon, "configuration": sound}}
    first = "daemon 0.1.0, pid 4711, up since 12:00 (10 min), capacity 1 of 8 in use"
    assert status_lines(status, pipe, NOW)[0] == f"{first}, configuration of 12:00"
    old: DaemonState = {**daemon, "configuration": {**sound, "accepted_at": None}}
    assert status_lines({**status, "daemon": old}, pipe, NOW)[0] == first


def test_status_says_that_a_plugin_is_missing(pipe: Terminal) -> None:
    """Next to the daemon; an older one does not say."""
    sound = samples.STATUS["daemon"]
    broken: DaemonState = {**sound, "plugins_not_loaded": ["guards"]}
    old = {name: value for name, value in sound.items() if name != "plugins_not_loaded"}
    told = {
        name: "  a plugin is not loaded: orchestrator plugins"
        in status_lines({**samples.STATUS, "daemon": daemon}, pipe, NOW)  # type: ignore[typeddict-item]
        for name, daemon in (("sound", sound), ("broken", broken), ("old", old))
    }
    assert told == {"sound": False, "broken": True, "old": False}


def test_status_puts_the_longest_silent_first(pipe: Terminal) -> None:
    quiet = running(1, steps=[at_work(last_output_at=at(1))])
    loud = running(2, steps=[at_work(last_output_at=at(9))])
    lines = status_lines({**samples.STATUS, "running": [loud, quiet]}, pipe, NOW)
    numbers = [line.split()[0] for line in lines if line.startswith("  ") and "applying" in line]
    assert numbers == ["1", "2"]


def test_columns_align_whatever_the_script() -> None:
    rows = [["漢字", "x", "1"], ["\x1b[31mred\x1b[0m", "", "2"], ["e\u0301", "xyz", "3"]]
    assert table(rows) == ["漢字  x    1", "\x1b[31mred\x1b[0m        2", "e\u0301     xyz  3"]


def test_colour_only_on_a_terminal_that_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def coloured(on_terminal: bool, no_color: bool = False) -> bool:
        return Terminal(Screen(on_terminal), Screen(False), no_color, as_json=False).colour

    assert coloured(True)
    assert not coloured(False)
    assert not coloured(True, no_color=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not coloured(True)
    monkeypatch.setenv("NO_COLOR", "")
    assert coloured(True)
    monkeypatch.setenv("TERM", "dumb")
    assert not coloured(True)
