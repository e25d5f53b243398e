"""A step whose end nobody saw, and whose adapter has nothing to look at."""

import pytest

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import StepDefinition
from orchestrator.core.language.model import ProcessRecord
from orchestrator.core.language.rejections import NothingToRecheck
from orchestrator.core.language.words import JobConclusion, StepConclusion
from orchestrator.core.rules.admission import blockers
from tests.core.core_setup import (
    ADA,
    ROOT,
    acquired,
    applied,
    cleaned,
    config,
    dirty,
    failed,
    pipeline,
    ref,
    step,
    submit,
    whole,
)
from tests.core.core_story import Story, given, like

BLIND = step("apply", verifies=False)
RUNS = ProcessRecord("apply", "run", "boot-1")
LOST = cmd.AttemptFailed(ref(1), StepConclusion.LOST, "the host went down")
FOUND = "nobody knows what it did: the host went down"
RECHECK = cmd.Recheck(caller=ADA, environment="production")


def begun(*steps: StepDefinition, owes: bool = False) -> Story:
    """Job 1 has begun a process in its first step."""
    web = pipeline("web", steps=steps or (BLIND,), cleanup="clean" if owes else None)
    story = given(config(web, pipeline("clean", "cleanup")), submit("web"), acquired(1))
    return story.given(cmd.IntendProcess(ref(1), RUNS))


def lost(*, owes: bool = False) -> Story:
    """Its end is unknown."""
    return begun(owes=owes).given(LOST, cleaned(1))


def test_it_has_left_something() -> None:
    story = begun().given(LOST).when(cleaned(1))
    story.then_among(
        like(ev.StepFinished, ref=ref(1)),
        like(ev.Quarantined, job=1),
        like(ev.JobEnded, conclusion=JobConclusion.LOST, dirty=True),
    )
    quarantine = story.environment().quarantine
    assert quarantine is not None
    [left] = quarantine.findings
    assert (left.found, left.settled_by_cleanup) == (FOUND, True)


def test_so_has_one_without_a_cleanup_phase() -> None:
    blind = step("apply", verifies=False, has_cleanup=False)
    story = begun(blind).when(LOST)
    story.then_among(like(ev.Quarantined, job=1), like(ev.JobEnded, dirty=True))


@pytest.mark.parametrize(
    "clean",
    [
        begun(step("apply")).given(LOST),
        begun(step("apply", verifies=False, touches=False)).given(LOST),
        begun().given(failed(1)),
        begun().given(cmd.AttemptFailed(ref(1), StepConclusion.FAILURE, "it raised")),
        begun().given(cmd.Cancel(ADA, 1), applied(1, stopped=True)),
    ],
    ids=["looked at", "touches nothing", "an exit", "an error", "a stop"],
)
def test_what_is_as_clean_as_it_says(clean: Story) -> None:
    clean.given(cleaned(1))
    assert clean.environment().quarantine is None


def test_without_a_process_nothing_was_done() -> None:
    story = given(config(pipeline("web", steps=(BLIND,))), submit("web"), acquired(1), LOST)
    story.given(cleaned(1))
    assert story.environment().quarantine is None


def test_its_owed_cleanup_settles_it() -> None:
    """By itself: its author declared that it puts everything right."""
    story = lost(owes=True)
    assert story.running() == [2]
    *before, last = whole(2)
    story.given(*before).when(last).then_among(
        like(ev.DebtPaid, job=1),
        ev.FindingSettled("production", ref(1), by_job=2),
        like(ev.QuarantineLifted, by_job=2),
    )


def test_a_cleanup_that_fails_settles_nothing() -> None:
    story = lost(owes=True).given(acquired(2), failed(2), cleaned(2))
    quarantine = story.environment().quarantine
    assert quarantine is not None and len(quarantine.findings) == 1
    story.given(submit("clean")).given(*whole(3))
    assert story.environment().quarantine is None


def test_a_cleanup_for_another_settles_nothing() -> None:
    """What another job left is not put right by it."""
    web = pipeline("web", steps=(BLIND,), cleanup="clean")
    alone = pipeline("alone", "test", steps=(BLIND,))
    kinds = {"deploy": (), "test": (), "cleanup": ()}
    both = config(web, alone, pipeline("clean", "cleanup"), kinds=kinds)
    story = given(both, submit("alone"), submit("web"), acquired(1), *whole(2)[:1])
    story.given(cmd.IntendProcess(ref(1), RUNS), LOST, cleaned(1), *whole(2)[1:])
    story.given(submit("clean"), *whole(3))
    assert story.environment().debts == ()
    quarantine = story.environment().quarantine
    assert quarantine is not None and [left.ref for left in quarantine.findings] == [ref(1)]


def test_a_lost_cleanup_is_settled_by_the_next() -> None:
    """What was left is of the cleanup's own job, which owes nothing."""
    clean = pipeline("clean", "cleanup", steps=(BLIND,))
    story = given(config(pipeline("web", cleanup="clean"), clean), submit("web"), *whole(1))
    story.given(acquired(2), cmd.IntendProcess(ref(2), RUNS))
    story.given(cmd.AttemptFailed(ref(2), StepConclusion.LOST, "the host went down"), cleaned(2))
    story.given(submit("clean"), *whole(3))
    assert story.environment().quarantine is None


def test_a_look_tells_nothing_of_it() -> None:
    lost().when(RECHECK).refused(
        NothingToRecheck, "nobody saw a step end", "orchestrator waive production"
    )


def test_a_look_at_others_leaves_it() -> None:
    story = begun(BLIND, step("other")).given(acquired(1, "other"), applied(1, "other"))
    story.given(LOST, cleaned(1), dirty(1, "other")).when(RECHECK)
    story.then_among(like(ev.RecheckStarted))
    story.when(cmd.RecheckDone("production", ref(1, "other"))).then(like(ev.Rechecked))
    assert story.environment().quarantine is not None


def test_nobody_is_told_to_type_what_is_refused() -> None:
    story = lost().given(submit("web"))
    [blocker] = blockers(story.world, story.job(2))
    assert blocker.lift is not None and "recheck" not in blocker.lift
    assert "orchestrator waive production" in blocker.lift


def test_without_a_cleanup_an_admin_says() -> None:
    story = lost().given(cmd.Waive(ROOT, "production", "looked by hand"))
    assert story.environment().quarantine is None
