"""Plugins may deny what roles allow; they can't allow more.

Refusals go to the daemon's log, not to the journal, and one caller can't fill it with them.
"""

from collections.abc import Callable

import structlog

from orchestrator.core.language import commands as cmd
from orchestrator.core.language.commands import Caller
from orchestrator.core.language.rejections import DeniedByPlugin, Rejection
from orchestrator.engine.clock import Clock

log = structlog.get_logger(__name__)

Authorize = Callable[[str, str, str], bool | None]
WINDOW = 60_000
"""Milliseconds in which the same refusal of the same user is told once."""
MOST_REMEMBERED = 1000


def refuse_by_plugin(authorize: Authorize, command: cmd.Command) -> None:
    """Raise DeniedByPlugin where a plugin denies this request of a person."""
    if not isinstance(command, cmd.FromPeople) or command.caller is None:
        return
    action, target = command.action_and_target
    if authorize(command.caller.user, action, target) is False:
        raise DeniedByPlugin(command.caller.user, action, target)


class RefusalLog:
    """Tells a refusal once a minute for each user and kind, with how many were left out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: dict[tuple[int, str], int] = {}
        self._left_out: dict[tuple[int, str], int] = {}

    def note(self, caller: Caller, rejection: Rejection) -> None:
        """A request was refused."""
        now, key = self._clock.now().boot, (caller.uid, rejection.kind)
        told = self._told.get(key)
        if told is not None and now - told < WINDOW:
            self._left_out[key] = self._left_out.get(key, 0) + 1
            return
        self._forget_old(now)
        self._told[key] = now
        log.info(
            "refused",
            user=caller.user,
            uid=caller.uid,
            kind=rejection.kind,
            text=str(rejection),
            left_out_before=self._left_out.pop(key, 0),
        )

    def _forget_old(self, now: int) -> None:
        if len(self._told) >= MOST_REMEMBERED:
            self._told = {key: at for key, at in self._told.items() if now - at < WINDOW}
            self._left_out = {key: n for key, n in self._left_out.items() if key in self._told}
