"""What the end of a step means: four outcomes from any exit code, signal, status or class."""

from collections.abc import Iterable

from orchestrator.core.definition import OutcomeRule
from orchestrator.core.model import Ending
from orchestrator.core.words import Outcome, StepConclusion

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
) -> Ending:
    """How a step ended, by its rules.

    `conclusion` is the class: success, failure, cancelled, timed_out or lost. The most specific
    rule wins: a status or an exit code, a range of codes, a signal, the class. Without a rule
    success continues and all else fails.
    """
    rule = _most_specific(tuple(rules), conclusion, exit, signal, tuple(statuses))
    if rule is not None:
        outcome = rule.then
    else:
        outcome = Outcome.CONTINUE if conclusion is StepConclusion.SUCCESS else Outcome.FAIL
    return Ending(
        conclusion=_concluded(conclusion, outcome),
        outcome=outcome,
        exit=exit,
        signal=signal,
        reason=(rule.reason if rule is not None else "") or reason,
    )


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


def _most_specific(
    rules: tuple[OutcomeRule, ...],
    conclusion: StepConclusion,
    exit: int | None,
    signal: str | None,
    statuses: tuple[str, ...],
) -> OutcomeRule | None:
    by_match = {rule.match: rule for rule in rules}
    for status in statuses:
        if rule := by_match.get(f"status {status}") or by_match.get(status):
            return rule
    if exit is not None:
        if rule := by_match.get(f"exit {exit}"):
            return rule
        for rule in rules:
            if exit in _exit_range(rule.match):
                return rule
    if signal is not None and (rule := by_match.get(f"signal {signal}")):
        return rule
    for word, meant in CLASSES.items():
        if meant is conclusion and word in by_match:
            return by_match[word]
    return None


def _exit_range(match: str) -> range:
    word, _, span = match.partition(" ")
    first, dash, last = span.partition("-")
    if word != "exit" or not dash or not first.isdigit() or not last.isdigit():
        return range(0)
    return range(int(first), int(last) + 1)
