"""What jobs that were never admitted owe and pay: nothing that they did not hold."""

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import (
    ApprovalRule,
    Configuration,
    OutcomeRule,
    Roles,
    StepDefinition,
)
from orchestrator.core.language.model import Finished, JobCancelling, JobFinished, JobPreparing
from orchestrator.core.language.words import JobConclusion, Outcome, Section
from tests.core.core_setup import (
    ROOT,
    acquired,
    cleaned,
    config,
    failed,
    pipeline,
    step,
    submit,
    whole,
)
from tests.core.core_story import Story, given, like


def look(**fields: object) -> StepDefinition:
    return step("look", section=Section.BEFORE, touches=False, **fields)


def report(**fields: object) -> StepDefinition:
    given: dict[str, object] = {"section": Section.FINALLY, "touches": False}
    return step("report", **(given | fields))


def owing(*steps: StepDefinition, **fields: object) -> Configuration:
    """`web` owes `clean`, whose steps these are."""
    clean = pipeline("clean", "cleanup", steps=steps, **fields)
    test = pipeline("e2e", "test", cleanup="clean")
    return config(pipeline("web", cleanup="clean"), clean, test)


CLEANUP = (look(), step("wipe"), report())


def ended(story: Story, job: int) -> JobFinished:
    phase = story.job(job).phase
    assert isinstance(phase, JobFinished), phase
    return phase


def reason(story: Story, job: int, name: str) -> str:
    phase = story.phase(job, name)
    assert isinstance(phase, Finished), phase
    return phase.ending.reason


def test_handlers_of_the_never_admitted_owe_nothing() -> None:
    """Whatever touches by default is only assumed to."""
    for has_acquire in (True, False):
        web = pipeline(
            "web",
            steps=(look(), step("apply"), report(touches=True, has_acquire=has_acquire)),
            cleanup="clean",
        )
        story = given(config(web, pipeline("clean", "cleanup")), submit("web"))
        story.given(acquired(1, "look"), failed(1, "look"), cleaned(1, "look"))
        story.given(*whole(1, "report")[0 if has_acquire else 1 :])
        assert ended(story, 1).conclusion is JobConclusion.FAILURE
        assert not story.environment().debts and not story.world.jobs


def test_a_cancelled_cleanup_stays_cancelled() -> None:
    """An owed cleanup that is cancelled while it prepares is not run again by itself."""
    story = given(owing(*CLEANUP), submit("web"), *whole(1), acquired(2, "look"))
    story.given(cmd.Cancel(caller=ROOT, job=2))
    assert isinstance(story.job(2).phase, JobCancelling) and set(story.world.jobs) == {2}
    story.given(failed(2, "look"), cleaned(2, "look"), *whole(2, "report"))
    assert ended(story, 2).conclusion is JobConclusion.CANCELLED
    assert story.environment().quarantine is not None and not story.world.jobs


def test_nor_is_one_that_waits() -> None:
    """Nor is one that is cancelled when it waits after its `before`."""
    kinds = {"deploy": ("deploy", "cleanup"), "cleanup": ("cleanup", "test"), "test": ()}
    one = config(*owing(*CLEANUP).pipelines.values(), kinds=kinds)
    story = given(one, submit("e2e"), submit("web"), acquired(1))
    story.given(*whole(2), *whole(3, "look"))
    assert story.waiting() == [3]
    story.given(cmd.Cancel(caller=ROOT, job=3))
    assert isinstance(story.job(3).phase, JobCancelling) and set(story.world.jobs) == {1, 3}


def approved_cleanup() -> Configuration:
    rule = ApprovalRule()
    clean = pipeline("clean", "cleanup", approval=rule)
    roles = Roles(viewer=("*",), submitter=("ada",), admin=("root",))
    return config(pipeline("web", cleanup="clean"), clean, roles=roles)


def test_an_approval_holds_up_no_cleanup() -> None:
    """A run by hand waits for an approval until something is owed that it pays."""
    story = given(approved_cleanup(), submit("web"), submit("clean"))
    assert isinstance(story.job(2).phase, JobPreparing)
    story.given(*whole(1))
    assert story.running() == [2]


def test_a_drain_holds_up_no_cleanup() -> None:
    """A run by hand that a drain keeps from preparing holds up no owed cleanup."""
    story = given(owing(*CLEANUP), submit("web"), cmd.StartDrain(caller=ROOT), submit("clean"))
    story.given(*whole(1))
    assert story.job(3).cleanup_for == 1 and story.job(3).step("look").active


def test_a_halt_before_a_cleanup_pays() -> None:
    """A halt before a cleanup pays what it was queued for."""
    halts = look(outcomes=(OutcomeRule("exit 0", Outcome.HALT, "nothing is left"),))
    story = given(owing(halts, step("wipe")), submit("web"), *whole(1), *whole(2, "look"))
    assert ended(story, 2).halted_by == "look"
    assert not story.environment().debts and not story.world.jobs


def test_a_halt_pays_nothing_newer() -> None:
    """A halt before a cleanup pays for nothing that ended since it looked."""
    kinds = {"deploy": ("deploy", "cleanup"), "cleanup": ("deploy", "cleanup"), "test": ()}
    halts = look(outcomes=(OutcomeRule("exit 0", Outcome.HALT, "nothing is left"),))
    pipelines = owing(halts, step("wipe")).pipelines.values()
    story = given(config(*pipelines, kinds=kinds), submit("e2e"), submit("web"))
    story.given(*whole(2), acquired(3, "look"), *whole(1), *whole(3, "look")[1:])
    assert [debt.job for debt in story.environment().debts] == [1]
    assert story.job(4).cleanup_for == 1


def test_a_needless_cleanup_runs_its_handlers() -> None:
    """It says so of each step. A run by hand was ready first, and has paid."""
    story = given(owing(*CLEANUP), submit("web"), submit("clean"), *whole(1))
    story.given(acquired(3, "look"), *whole(2, "look"))
    assert story.running() == [2] and story.job(3).cleanup_for == 1
    story.given(*whole(2, "wipe"), *whole(2, "report"))
    assert not story.environment().debts
    story.given(failed(3, "look"), cleaned(3, "look"), *whole(3, "report"))
    assert reason(story, 3, "wipe") == "the job was needless: what job 1 owed is paid"
    assert ended(story, 3).conclusion is JobConclusion.CANCELLED
    assert ended(story, 3).reason == "what job 1 owed is paid"
    assert story.environment().quarantine is None and not story.world.jobs


def test_a_waived_cleanup_says_so() -> None:
    """A waived cleanup that had prepared says so of each step."""
    kinds = {"deploy": ("deploy", "cleanup"), "cleanup": ("cleanup", "test"), "test": ()}
    one = config(*owing(*CLEANUP).pipelines.values(), kinds=kinds)
    story = given(one, submit("e2e"), submit("web"), *whole(2), *whole(3, "look"))
    assert story.waiting() == [3]
    story.given(cmd.Waive(caller=ROOT, environment="production", reason="known"))
    assert reason(story, 3, "wipe") == "the job was needless: its debt was waived"
    story.given(*whole(3, "report"))
    assert ended(story, 3).conclusion is JobConclusion.CANCELLED
    assert story.environment().quarantine is None


def test_a_waived_cleanup_that_prepares_is_stopped() -> None:
    story = given(owing(*CLEANUP), submit("web"), *whole(1), acquired(2, "look"))
    story.when(cmd.Waive(caller=ROOT, environment="production", reason="known"))
    story.then_among(like(ev.JobStopRequested, job=2), like(ev.StepStopRequested))
    story.given(failed(2, "look"), cleaned(2, "look"), *whole(2, "report"))
    assert ended(story, 2).conclusion is JobConclusion.CANCELLED
    assert story.environment().quarantine is None and not story.world.jobs
