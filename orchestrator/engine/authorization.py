"""Plugins may deny what roles allow; they can't allow more."""

from collections.abc import Callable

from orchestrator.core.language import commands as cmd
from orchestrator.core.language.rejections import DeniedByPlugin

Authorize = Callable[[str, str, str], bool | None]


def refuse_by_plugin(authorize: Authorize, command: cmd.Command) -> None:
    """Raise DeniedByPlugin where a plugin denies this request of a person."""
    asked = _action_and_target(command)
    caller = getattr(command, "caller", None)
    if asked is None or not isinstance(caller, cmd.Caller):
        return
    action, target = asked
    if authorize(caller.user, action, target) is False:
        raise DeniedByPlugin(caller.user, action, target)


def _action_and_target(command: cmd.Command) -> tuple[str, str] | None:
    match command:
        case cmd.Submit(pipeline=pipeline, environment=environment):
            return "submit", f"{pipeline} in {environment}"
        case cmd.Retry(pipeline=pipeline, environment=environment):
            return "retry", f"{pipeline} in {environment}"
        case cmd.Cancel(job=job, force=force):
            return ("force-cancel" if force else "cancel"), f"job {job}"
        case cmd.Approve(job=job, step=step) | cmd.Reject(job=job, step=step):
            verb = "approve" if isinstance(command, cmd.Approve) else "reject"
            return verb, f"job {job}" if step is None else f"step {step} of job {job}"
        case cmd.Waive(environment=environment):
            return "waive", environment
        case cmd.Recheck(environment=environment):
            return "recheck", environment
        case cmd.StartDrain():
            return "drain", "daemon"
        case cmd.EndDrain():
            return "resume", "daemon"
        case cmd.AcceptConfiguration():
            return "reload", "daemon"
        case _:
            return None
