"""Which runs pay which debts: one run pays several only if it is the same run for each."""

from typing import Any

import pytest
from msgspec.structs import replace

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import (
    ApprovalRule,
    CleanupReference,
    Configuration,
    Parameter,
    PipelineDefinition,
)
from orchestrator.core.language.model import JobPreparing
from orchestrator.core.language.rejections import NotOwed, NotPermitted
from orchestrator.core.language.words import Role, Section
from tests.core.core_setup import (
    BOB,
    ROOT,
    accept,
    acquired,
    applied,
    chain,
    cleaned,
    config,
    failed,
    pipeline,
    ref,
    step,
    submit,
    whole,
)
from tests.core.core_story import Story, given, like

TOKEN = (Parameter(name="token", secret=True, default=""),)
LAB = pipeline(
    "lab",
    "lab",
    params=TOKEN,
    cleanup=CleanupReference(pipeline="scrub", params={"token": "${params.token}"}),
)
SCRUB = pipeline("scrub", "cleanup", params=TOKEN)
READS = pipeline(
    "scrub", "cleanup", params=TOKEN, steps=(step("apply", config={"of": "${debt.job}"}),)
)
ASKS = pipeline("scrub", "cleanup", params=TOKEN, steps=(step("apply", when="debt.job > 0"),))
LONGER = pipeline("scrub", "cleanup", params=TOKEN, steps=chain("x", "y"))
KINDS = {"lab": (), "cleanup": ("cleanup", "lab")}


def lab(*pipelines: PipelineDefinition, **fields: Any) -> Configuration:
    """Jobs of the kind `lab` do not exclude each other, and owe `scrub`."""
    return config(*(pipelines or (LAB, SCRUB)), **{"kinds": KINDS} | fields)


def secret(value: str, place: str) -> dict[str, Any]:
    """What a submission says of a token that lies there."""
    return {
        "params": {"token": value},
        "secrets": {"token": place},
        "secret_digests": {"token": f"digest of {value}"},
    }


def owing(
    first: Configuration, second: Configuration | None = None, token: dict[str, Any] | None = None
) -> Story:
    """Jobs 1 and 2 have ended and owe; the second was submitted under another configuration."""
    story = given(first, submit("lab", **secret("swordfish", "1/token")))
    if second is not None:
        story.given(accept(second))
    story.given(submit("lab", **(token or secret("swordfish", "2/token"))))
    ends = (applied(1), cleaned(1), applied(2), cleaned(2))
    return story.given(acquired(1), acquired(2), *ends)


def paid(story: Story, job: int) -> tuple[int, ...]:
    """The debts that a job took upon itself."""
    run = story.job(job).run
    assert run is not None
    return run.pays


# --- the same run ---------------------------------------------------------------------------


def test_equal_secrets_are_the_same_run() -> None:
    """Wherever they lie."""
    assert paid(owing(lab()), 3) == (1, 2)


def test_other_secrets_are_another_run() -> None:
    story = owing(lab(), token=secret("marlin", "2/token"))
    assert paid(story, 3) == (1,)
    story.given(*whole(3))
    assert paid(story, 4) == (2,)
    assert story.job(4).secrets == {"token": "2/token"}
    story.given(*whole(4))
    assert story.environment().debts == ()


def test_secrets_without_a_digest_are_not_compared() -> None:
    """As those of debts from before there were digests."""
    old = {"params": {"token": "swordfish"}, "secrets": {"token": "2/token"}}
    assert paid(owing(lab(), token=old), 3) == (1,)


@pytest.mark.parametrize("cleanup", [READS, ASKS], ids=["in a value", "in a condition"])
def test_a_cleanup_that_reads_its_debt_pays_one(cleanup: PipelineDefinition) -> None:
    story = owing(lab(LAB, cleanup))
    assert paid(story, 3) == (1,)
    story.given(*whole(3))
    assert paid(story, 4) == (2,)


@pytest.mark.parametrize(
    "changed",
    [
        lab(LAB, LONGER),
        lab(environments={"production": ("vpc",), "staging": ()}),
    ],
    ids=["cleanup", "environment"],
)
def test_another_definition_is_another_run(changed: Configuration) -> None:
    """A reload has changed what is owed between two jobs."""
    story = owing(lab(), changed)
    assert paid(story, 3) == (1,)


def test_what_prepares_reads_its_debt() -> None:
    """An owed cleanup holds nothing yet, and knows what it is for."""
    look = step("look", section=Section.BEFORE, when="debt.job == 1", has_acquire=False)
    cleanup = pipeline("scrub", "cleanup", params=TOKEN, steps=(look, step("apply")))
    story = given(lab(LAB, cleanup), submit("lab", **secret("swordfish", "1")))
    story.given(acquired(1), applied(1)).when(cleaned(1))
    story.then_among(like(ev.StepStarted, ref=ref(2, "look")))


# --- by hand --------------------------------------------------------------------------------


def one_debt(cleanup: PipelineDefinition = SCRUB, **fields: Any) -> Story:
    """Job 1 is at work and will owe."""
    return given(
        lab(LAB, cleanup, **fields), submit("lab", **secret("swordfish", "1/token")), acquired(1)
    )


def test_a_secret_by_hand_equals_one_kept() -> None:
    story = one_debt().given(submit("scrub", **secret("swordfish", "file")), applied(1), cleaned(1))
    assert paid(story, 2) == (1,)


def test_another_secret_by_hand_pays_nothing() -> None:
    story = one_debt().given(submit("scrub", **secret("marlin", "file")), applied(1), cleaned(1))
    assert (story.running(), story.waiting()) == ([3], [2])


def test_todays_cleanup_pays_no_other_debt() -> None:
    story = one_debt().given(
        accept(lab(LAB, LONGER)), submit("scrub", **secret("swordfish", "file"))
    )
    story.given(applied(1), cleaned(1))
    assert (story.running(), story.waiting()) == ([3], [2])


def unpaid(cleanup: PipelineDefinition = SCRUB) -> Story:
    """The owed cleanup of job 1 has failed, and today's is another."""
    story = one_debt(cleanup).given(applied(1), cleaned(1), acquired(2), failed(2), cleaned(2))
    return story.given(accept(lab(LAB, LONGER)))


def test_an_admin_names_what_a_run_pays() -> None:
    story = unpaid().given(submit("scrub", caller=ROOT, pays=1))
    assert paid(story, 3) == (1,)
    *before, last = (*whole(3, "x"), *whole(3, "y"))
    story.given(*before).when(last).then_among(
        like(ev.DebtPaid, job=1, paid_by=3), like(ev.QuarantineLifted, by_job=3)
    )


def test_only_an_admin_does() -> None:
    unpaid().when(submit("scrub", pays=1)).refused(NotPermitted, "job 1 owes")


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (submit("scrub", caller=ROOT, pays=7), "job 7 owes nothing in production"),
        (submit("scrub", "staging", caller=ROOT, pays=1), "job 1 owes nothing in staging"),
        (
            submit("lab", caller=ROOT, pays=1, **secret("marlin", "3")),
            "job 1 owes scrub, which lab does not pay",
        ),
    ],
    ids=["no such debt", "elsewhere", "another pipeline"],
)
def test_what_cannot_be_paid(request_: cmd.Submit, words: str) -> None:
    unpaid().when(request_).refused(NotOwed, words)


def test_what_is_not_owed_yet_cannot_be_paid() -> None:
    one_debt().when(submit("scrub", caller=ROOT, pays=1)).refused(NotOwed, "has not ended")


def retried(story: Story, *, latest: bool) -> cmd.Retry:
    """An admin's retry of job 2, the owed cleanup of job 1."""
    return cmd.Retry(
        caller=ROOT,
        job=2,
        pipeline="scrub",
        environment="production",
        params={},
        definition=story.world.definitions[story.environment().debts[0].definition],
        latest=latest,
        pays=1,
    )


@pytest.mark.parametrize(
    ("cleanup", "latest"), [(READS, False), (SCRUB, True)], ids=["reads its debt", "as of today"]
)
def test_a_retry_pays_the_same_debt(cleanup: PipelineDefinition, latest: bool) -> None:
    story = unpaid(cleanup)
    story.given(retried(story, latest=latest))
    assert paid(story, 3) == (1,)


# --- once -----------------------------------------------------------------------------------


def test_a_debt_is_paid_once_at_a_time() -> None:
    """A kind of cleanup need not exclude itself; a lock has one holder, and a debt one payer."""
    kinds = {"lab": (), "cleanup": ("lab",)}
    locked = {"production": ("vpc",), "staging": ()}
    story = given(lab(kinds=kinds, environments=locked), submit("lab", **secret("swordfish", "1")))
    story.given(acquired(1), applied(1), cleaned(1), acquired(2), failed(2), cleaned(2))
    story.given(submit("scrub", caller=ROOT, pays=1), submit("scrub", **secret("swordfish", "f")))
    assert (story.running(), story.waiting()) == ([3], [4])
    story.given(*whole(3))
    assert (paid(story, 4), story.environment().debts) == ((), ())


def test_a_named_run_ends_when_another_has_paid() -> None:
    story = unpaid().given(submit("scrub", caller=ROOT, pays=1))
    story.given(submit("scrub", caller=ROOT, pays=1))
    *before, last = (*whole(3, "x"), *whole(3, "y"))
    story.given(*before).when(last).then_among(
        like(ev.JobEnded, job=4, reason="what job 1 owed is paid")
    )


def test_a_named_runs_retry_pays_the_same() -> None:
    """Although its secret is another than the owed one."""
    story = one_debt().given(applied(1), cleaned(1), acquired(2), failed(2), cleaned(2))
    story.given(submit("scrub", caller=ROOT, pays=1, **secret("marlin", "file")))
    story.given(acquired(3), failed(3), cleaned(3))
    again = cmd.Retry(
        caller=ROOT,
        job=3,
        pipeline="scrub",
        environment="production",
        params={"token": "***"},
        definition=story.world.definitions[story.environment().debts[0].definition],
        secrets={"token": "file"},
        secret_digests={"token": "digest of marlin"},
        pays=1,
    )
    story.given(again)
    assert paid(story, 4) == (1,)


def test_whatever_pays_what_failed_opens_the_environment() -> None:
    """Not only the run that follows the one that failed last."""
    story = one_debt().given(applied(1), cleaned(1), acquired(2), failed(2), cleaned(2))
    story.given(retried(story, latest=False), acquired(3), failed(3), cleaned(3))
    story.given(retried(story, latest=False), *whole(4))
    assert story.environment().quarantine is None


# --- approvals ------------------------------------------------------------------------------


def asking() -> Configuration:
    """Whoever runs anything in production needs a yes."""
    found = lab()
    rule = ApprovalRule(roles=(Role.ADMIN,))
    production = replace(found.environments["production"], approval=rule)
    return replace(found, environments={**found.environments, "production": production})


def approve(job: int) -> cmd.Approve:
    return cmd.Approve(caller=ROOT, job=job)


def by_hand(*more: cmd.Command) -> Story:
    """Job 1 is at work and will owe; job 2 cleans up by hand, and people are asked for it."""
    story = given(
        asking(), submit("lab", **secret("swordfish", "1/token")), approve(1), acquired(1)
    )
    return story.given(submit("scrub", caller=BOB, **secret("swordfish", "file")), *more)


def test_before_anything_is_owed_people_are_asked() -> None:
    story = by_hand()
    assert isinstance(story.job(2).phase, JobPreparing)


def test_a_run_that_pays_asks_nobody() -> None:
    """Whoever submitted it, and whether or not the daemon is drained."""
    story = by_hand(cmd.StartDrain(caller=ROOT), applied(1)).when(cleaned(1))
    story.then_among(like(ev.JobReady, job=2), like(ev.JobAdmitted, job=2))
    assert paid(story, 2) == (1,)


def test_when_another_has_paid_people_are_asked_again() -> None:
    """Jobs 2 and 3 would pay; job 2 does."""
    story = by_hand(submit("scrub", **secret("swordfish", "file")), applied(1), cleaned(1))
    assert (story.running(), story.waiting()) == ([2], [3])
    *before, last = whole(2)
    story.given(*before).when(last).then_among(
        like(ev.DebtPaid, job=1, paid_by=2), ev.ApprovalRequested(job=3)
    )
    assert isinstance(story.job(3).phase, JobPreparing)
    story.given(approve(3))
    assert paid(story, 3) == ()


@pytest.mark.parametrize("from_journal", [False, True])
def test_an_excused_run_survives_a_restart(from_journal: bool) -> None:
    story = by_hand(submit("scrub", **secret("swordfish", "file")), applied(1), cleaned(1))
    story.restart(from_journal=from_journal)
    story.given(*whole(2))
    assert isinstance(story.job(3).phase, JobPreparing)
