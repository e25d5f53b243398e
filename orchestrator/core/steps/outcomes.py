"""What the end of a step means: four outcomes from any exit code, signal, status or class."""

from collections.abc import Iterable

from orchestrator.core.language.definition import OutcomeRule
from orchestrator.core.language.model import Ending
from orchestrator.core.language.words import Outcome, StepConclusion

CLASSES = {
    "success": StepConclusion.SUCCESS,
    "failure": StepConclusion.FAILURE,
    "cancelled": StepConclusion.CANCELLED,
    "timed_out": StepConclusion.TIMED_OUT,
}


def judge(
    rules: Iterable[OutcomeRule],
    conclusion: StepConclusion,
    exit: int | None = None,
    signal: str | None = None,
    statuses: Iterable[str] = (),
    reason: str = "",
    defaults: Iterable[OutcomeRule] = (),
) -> Ending:
    """How a step ended, by its rules.

    `conclusion` is the class: success, failure, cancelled, timed_out or lost. The most specific
    rule wins: a status or an exit code, a range of codes, a signal, the class. Where no rule fits,
    the `defaults` of the adapter are looked at in the same way; without one of those success
    continues and all else fails. A rule's reason is said before the tool's.
    """
    how = (conclusion, exit, signal, tuple(statuses))
    rule = most_specific(tuple(rules), *how) or most_specific(tuple(defaults), *how)
    if rule is not None:
        outcome = rule.then
    else:
        outcome = Outcome.CONTINUE if conclusion is StepConclusion.SUCCESS else Outcome.FAIL
    return Ending(
        conclusion=_concluded(conclusion, outcome),
        outcome=outcome,
        exit=exit,
        signal=signal,
        reason=_both(rule.reason, reason) if rule is not None else reason,
        skip=rule.skip if rule is not None else (),
    )


def _both(rules: str, tools: str) -> str:
    """Two reasons as one, without saying the same thing twice."""
    if not rules or not tools or tools == rules:
        return rules or tools
    return f"{rules}; {tools}"


def _concluded(conclusion: StepConclusion, outcome: Outcome) -> StepConclusion:
    match outcome:
        case Outcome.CONTINUE:
            return StepConclusion.SUCCESS
        case Outcome.WARN:
            return StepConclusion.WARNING
        case Outcome.HALT:
            return StepConclusion.HALTED
        case Outcome.FAIL:
            succeeded = conclusion is StepConclusion.SUCCESS
            return StepConclusion.FAILURE if succeeded else conclusion


def most_specific(
    rules: tuple[OutcomeRule, ...],
    conclusion: StepConclusion,
    exit: int | None,
    signal: str | None,
    statuses: tuple[str, ...],
) -> OutcomeRule | None:
    """The rule that wins for an end, None where none fits."""
    by_match = {rule.match: rule for rule in rules}
    for status in statuses:
        if rule := by_match.get(f"status {status}") or by_match.get(status):
            return rule
    if exit is not None:
        if rule := by_match.get(f"exit {exit}"):
            return rule
        for rule in rules:
            if exit in exit_range(rule.match):
                return rule
    if signal is not None and (rule := by_match.get(f"signal {signal}")):
        return rule
    for word, meant in CLASSES.items():
        if meant is conclusion and word in by_match:
            return by_match[word]
    return None


def exit_range(match: str) -> range:
    """The statuses that `exit N-M` means; none for any other rule."""
    word, _, span = match.partition(" ")
    first, dash, last = span.partition("-")
    if word != "exit" or not dash or not first.isdigit() or not last.isdigit():
        return range(0)
    return range(int(first), int(last) + 1)
