"""Questions to people: what `Step.ask` and `Step.withdraw` do."""

import msgspec

from orchestrator.core.language.definition import ApprovalRule
from orchestrator.core.language.model import Question as AskedQuestion
from orchestrator.core.language.words import Decision
from orchestrator.core.rules.observations import STOPPABLE
from orchestrator.engine.journal import AttemptJournal
from orchestrator.plugin import AdapterError, Answer, Question


class AttemptQuestions:
    """What one attempt asks. Keys are remembered per phase."""

    def __init__(self, journal: AttemptJournal) -> None:
        self._journal = journal

    async def ask(self, phase: str, key: str, question: Question) -> Answer:
        """People's answer, whether it came now or before. Raises StopRequested, AdapterError."""
        if phase not in STOPPABLE:
            raise AdapterError(f"{key}: people are asked in acquire and apply only, not in {phase}")
        rule = _rule(question)
        return _answer(await self._journal.ask(_key(phase, key), question.text, rule))

    async def withdraw(self, phase: str, key: str) -> None:
        """Take a question back that has no answer yet."""
        await self._journal.withdraw(_key(phase, key))


def _key(phase: str, key: str) -> str:
    return f"{phase}:{key}"


def _rule(question: Question) -> ApprovalRule:
    """Raises TypeError or msgspec.ValidationError for what the journal could not give back."""
    fields = {
        "roles": question.roles,
        "count": question.count,
        "not_submitter": question.not_submitter,
        "expires": None if question.expires is None else float(question.expires),
    }
    return msgspec.convert(msgspec.to_builtins(fields), ApprovalRule)


def _answer(asked: AskedQuestion) -> Answer:
    """All who said yes, with what they said; or who said no."""
    answer = asked.answer
    assert answer is not None
    if answer.decision is not Decision.APPROVED:
        by = answer.by.user if answer.by is not None else None
        expired = answer.decision is Decision.EXPIRED
        return Answer(approved=False, expired=expired, by=by, comment=answer.comment)
    comments = dict.fromkeys(one.comment for one in asked.approvals if one.comment)
    return Answer(
        approved=True,
        by=", ".join(one.by.user for one in asked.approvals),
        comment="; ".join(comments),
    )
