"""What is told of an attempt, with its secrets hidden, before anybody journals it."""

from msgspec.structs import replace

from orchestrator.core.language import commands as cmd
from orchestrator.core.language.model import Finding
from orchestrator.engine.masking import Masks


def shown(observation: cmd.Command, masks: Masks) -> cmd.Command:
    """The observation with `***` for each secret, whatever an adapter put it into."""
    if not masks:
        return observation
    match observation:
        case cmd.AttemptFailed(reason=reason):
            return replace(observation, reason=masks.text(reason))
        case cmd.ApplyDone():
            return replace(
                observation,
                reason=masks.text(observation.reason),
                summary=masks.text(observation.summary),
                statuses=tuple(masks.text(status) for status in observation.statuses),
                outputs=masks.value(observation.outputs),
            )
        case cmd.CleanupDone(finding=Finding() as finding):
            return replace(observation, finding=shown_finding(finding, masks))
        case cmd.AttemptAbandoned(finding=finding) | cmd.RecheckDone(finding=Finding() as finding):
            return replace(observation, finding=shown_finding(finding, masks))
        case _:
            return observation


def shown_finding(finding: Finding, masks: Masks) -> Finding:
    """The finding with `***` for each secret."""
    commands = tuple(masks.text(command) for command in finding.commands)
    return Finding(finding.ref, masks.text(finding.found), commands)
