"""Each job has a token of its own, whatever becomes of its number."""

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from tests.core.core_setup import acquired, applied, cleaned, config, submit
from tests.core.core_story import Story, like

OPEN = cmd.OpenDaemon(version="1", pid=1, seed="5eed")


def tokens(story: Story) -> list[str]:
    """The tokens of all jobs, as journalled."""
    events = (line.event for line in story.journal)
    return [event.token for event in events if isinstance(event, ev.JobSubmitted)]


def test_each_job_has_its_own() -> None:
    """The owed cleanup too, which no command submits."""
    story = Story().given(config(), OPEN, submit("web"), submit("api"))
    story.given(acquired(1), applied(1), cleaned(1))
    found = tokens(story)
    assert len(found) == 3 and all(found) and len(set(found)) == 3
    assert story.world.jobs[3].cleanup_for == 1
    assert [story.world.jobs[job].token for job in (2, 3)] == found[1:]


def test_another_daemon_gives_other_tokens() -> None:
    """By the same number at the same moment: the journal that knew the first one is lost."""
    one, other = (
        Story().given(config(), cmd.OpenDaemon(version="1", pid=1, seed=seed), submit("web"))
        for seed in ("one", "other")
    )
    assert tokens(one) != tokens(other)


def test_a_number_given_twice_has_two_tokens() -> None:
    """By one daemon, a moment later."""
    one = Story().given(config(), OPEN, submit("web"))
    other = Story().given(config(), OPEN, 0.001, submit("web"))
    assert tokens(one) != tokens(other)


def test_numbers_that_directories_bear_are_spent() -> None:
    """Replayed and restored alike (the invariants of every story); and never given back."""
    story = Story().given(config(), submit("web"))
    opened = cmd.OpenDaemon(version="1", pid=1, seed="5eed", numbers_from=8)
    story.when(opened).then(like(ev.DaemonStarted, numbers_from=8))
    assert story.world.changes.numbers_from == 8
    story.when(submit("api")).then_among(like(ev.JobSubmitted, job=8))
    story.when(opened).then(like(ev.DaemonStarted, numbers_from=1))
    assert story.world.next_job == 9
