"""Every request of a person, once: what the tests of all of them go over."""

from typing import NamedTuple

from orchestrator.core.language import commands as cmd
from orchestrator.core.language.definition import JobDefinition
from orchestrator.core.language.words import Role
from tests.core.core_setup import API, EVE, config, submit


class Asked(NamedTuple):
    """One request, and the role that it needs; None where the job says who may."""

    command: cmd.FromPeople
    needs: Role | None


CONFIGURATION = config()
PRODUCTION = CONFIGURATION.environments["production"]

REQUESTS: dict[str, Asked] = {
    "submit": Asked(submit("api", caller=EVE), Role.SUBMITTER),
    "retry": Asked(
        cmd.Retry(
            caller=EVE,
            job=1,
            pipeline="api",
            environment="production",
            params={},
            definition=JobDefinition(pipeline=API, environment=PRODUCTION),
        ),
        Role.SUBMITTER,
    ),
    "cancel": Asked(cmd.Cancel(caller=EVE, job=1), Role.SUBMITTER),
    "force-cancel": Asked(cmd.Cancel(caller=EVE, job=1, force=True), Role.ADMIN),
    "approve": Asked(cmd.Approve(caller=EVE, job=1, step="go", comment="fine"), None),
    "reject": Asked(cmd.Reject(caller=EVE, job=1, comment="no"), None),
    "waive": Asked(cmd.Waive(caller=EVE, environment="production", reason="r"), Role.ADMIN),
    "recheck": Asked(cmd.Recheck(caller=EVE, environment="production"), Role.SUBMITTER),
    "cancel-recheck": Asked(cmd.StopRecheck(EVE, "production", round=1), Role.SUBMITTER),
    "force-cancel-recheck": Asked(
        cmd.StopRecheck(EVE, "production", round=1, force=True, reason="r"), Role.ADMIN
    ),
    "drain": Asked(cmd.StartDrain(caller=EVE, cancel=True), Role.ADMIN),
    "resume": Asked(cmd.EndDrain(caller=EVE), Role.ADMIN),
    "unknown": Asked(cmd.JudgeUnknown(caller=EVE, job=9, wait=True, reason="r"), Role.ADMIN),
    "reload": Asked(cmd.AcceptConfiguration(CONFIGURATION, "d", caller=EVE), Role.ADMIN),
}
"""By what a plugin is told that may deny it."""
