"""The `approval` adapter: a step that asks people whether the job may go on."""

from collections.abc import Sequence

from orchestrator.builtin.approval_config import ApprovalConfig
from orchestrator.plugin import (
    Adapter,
    Answer,
    Question,
    Result,
    Step,
    StopRequested,
    Traits,
    hookimpl,
)

KEY = "approval"
REJECTED = "rejected"
EXPIRED = "expired"


class ApprovalAdapter(Adapter[ApprovalConfig]):
    """`uses = "approval"`: nothing is touched, and no tool works."""

    name = "approval"
    config_type = ApprovalConfig

    def traits(self, config: ApprovalConfig) -> Traits:
        """It only waits."""
        return Traits(touches=False, takes_slot=False)

    async def apply(self, step: Step[ApprovalConfig]) -> Result:
        """Ask, and end as people answer."""
        settings = step.config
        question = Question(
            text=settings.message or f"may {step.job.pipeline} go on in {step.environment}?",
            roles=settings.roles,
            count=settings.count,
            not_submitter=settings.not_submitter,
            expires=settings.seconds,
        )
        try:
            answer = await step.ask(KEY, question)
        except StopRequested:
            return Result(ok=False, stopped=True)
        found = _result(answer, settings.limit)
        step.log(found.reason or found.summary)
        return found


def _result(answer: Answer, limit: str) -> Result:
    said = f": {answer.comment}" if answer.comment else ""
    if answer.approved:
        return Result(
            ok=True,
            summary=f"approved by {answer.by}{said}",
            outputs={"approved_by": answer.by or "", "comment": answer.comment},
        )
    if answer.expired:
        return Result(ok=False, statuses=(EXPIRED,), reason=f"nobody answered within {limit}")
    return Result(ok=False, statuses=(REJECTED,), reason=f"rejected by {answer.by}{said}")


@hookimpl
def orchestrator_adapters() -> Sequence[ApprovalAdapter]:
    """What every installation has."""
    return [ApprovalAdapter()]
