"""What steps ask people, and take back."""

from collections.abc import Iterator

from orchestrator.core import commands as cmd
from orchestrator.core import events as ev
from orchestrator.core.instant import Instant
from orchestrator.core.model import Acquiring, Applying, Question
from orchestrator.core.observations import attempt, is_asked_to_stop
from orchestrator.core.rejections import StopComesFirst
from orchestrator.core.world import World


def question(
    world: World, seen: cmd.Ask | cmd.WithdrawQuestion, now: Instant
) -> Iterator[ev.AnyEvent]:
    """A step asks people, or wants no answer any more."""
    return _ask(world, seen, now) if isinstance(seen, cmd.Ask) else _withdraw(world, seen)


def _ask(world: World, seen: cmd.Ask, now: Instant) -> Iterator[ev.AnyEvent]:
    """A step asks people. After a stop nothing is asked any more."""
    _, step = attempt(world, seen.ref)
    if any(one.key == seen.key for one in step.questions):
        return
    if not isinstance(step.phase, Acquiring | Applying) or is_asked_to_stop(step):
        raise StopComesFirst(f"a stop of step {step.name} was asked for")
    asked = Question(key=seen.key, text=seen.text, rule=seen.rule, asked=now)
    yield ev.StepAsked(ref=seen.ref, question=asked)


def _withdraw(world: World, seen: cmd.WithdrawQuestion) -> Iterator[ev.AnyEvent]:
    """What a step asked is moot. Nothing happens if it is answered, or not asked any more."""
    _, step = attempt(world, seen.ref)
    asked = step.open_question
    if asked is not None and any(
        one.key == seen.key and one.answer is None for one in step.questions
    ):
        yield ev.StepQuestionWithdrawn(ref=seen.ref, key=seen.key)
