"""What an event is about."""

from orchestrator.core.language import events as ev


def job_of(event: ev.AnyEvent) -> int | None:
    """The job that an event is about, if it is about one."""
    match event:
        case ev.DebtIncurred(debt=debt):
            return debt.job
        case _:
            ref = getattr(event, "ref", None)
            job = getattr(event, "job", None) if ref is None else ref.job
            return job if isinstance(job, int) else None


def step_of(event: ev.AnyEvent) -> str | None:
    """The step that an event is about, if it is about one."""
    ref = getattr(event, "ref", None)
    return None if ref is None else ref.step


def environment_of(event: ev.AnyEvent) -> str | None:
    """The environment that an event names itself."""
    environment = getattr(event, "environment", None)
    return environment if isinstance(environment, str) else None
