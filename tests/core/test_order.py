"""The turns in which steps can run."""

from orchestrator.core.language.definition import StepDefinition
from orchestrator.core.language.words import Section
from orchestrator.core.steps.order import turns


def step(name: str, *needs: str, section: Section = Section.STEPS) -> StepDefinition:
    return StepDefinition(name, "command", needs=needs, section=section)


def names(*steps: StepDefinition) -> list[list[str]]:
    return [[one.name for one in turn] for turn in turns(steps)]


def test_what_waits_comes_later() -> None:
    """What waits comes later, and what does not side by side."""
    assert names(
        step("build", section=Section.BEFORE),
        step("end", "b", "a"),
        step("b", "a"),
        step("a"),
        step("c"),
        step("d", "c"),
        step("report", section=Section.FINALLY),
    ) == [["build"], ["a", "c"], ["b", "d"], ["end"], ["report"]]


def test_a_long_chain_written_backwards() -> None:
    chain = [step(str(n), *([str(n - 1)] if n else [])) for n in range(2000)]
    assert names(*reversed(chain)) == [[str(n)] for n in range(2000)]


def test_nothing() -> None:
    assert names() == []
