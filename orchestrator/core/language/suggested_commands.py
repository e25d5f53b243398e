"""What people are told to type, ready for a shell."""

import shlex

from orchestrator.core.language.model import Debt


def to_answer(job: int, step: str | None = None) -> str:
    """The commands that answer what a job, or a step of it, asks."""
    words = str(job) if step is None else f"{job} {shlex.quote(step)}"
    return f"orchestrator approve {words}, or: orchestrator reject {words}"


def to_pay(debt: Debt, environment: str) -> str:
    """The command that pays a debt: only a run with its parameters does."""
    written = {
        name: f"@{value}" if value.startswith("@") else value for name, value in debt.params.items()
    }
    given = {**written, **dict.fromkeys(debt.secrets, "@FILE")}
    params = (f"-p {shlex.quote(f'{name}={value}')}" for name, value in given.items())
    return " ".join(["orchestrator submit", debt.pipeline, environment, *params])


def recheck_id(environment: str, round: int) -> str:
    """What a recheck is called where somebody may stop it."""
    return f"{environment}/recheck-{round}"
