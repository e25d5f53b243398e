"""What can stop a verb: one class per cause, each with the exit status that it means."""

from __future__ import annotations

from orchestrator.cli.client.exits import Exit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class CommandError(Exception):
    """Base of all that a verb reports as `error: …`; the message is for people."""

    exit = Exit.INTERNAL


class UsageMistake(CommandError):
    """What was typed makes no sense; the message says what would."""

    exit = Exit.USAGE


class NotBuiltYet(UsageMistake):
    """A verb or option that is planned and does not work yet."""


class NoDaemon(CommandError):
    """Nobody listens at the socket, or whoever did went away and did not come back."""

    exit = Exit.NO_DAEMON


class SocketForbidden(CommandError):
    """The socket's file permissions keep this user out."""

    exit = Exit.FORBIDDEN


class AnswerLost(CommandError):
    """The connection ended, or went silent, before the answer was whole."""

    exit = Exit.NO_DAEMON


class NotHttp(CommandError):
    """What listens at the socket does not answer in HTTP/1.1 within our limits."""


class NothingFound(CommandError):
    """Something named on the command line is not there (an output, a step)."""

    exit = Exit.CONFLICT


class WaitTimedOut(CommandError):
    """`wait --timeout` is over and a job is still open."""

    exit = Exit.WAIT_TIMEOUT


class Interrupted(Exception):
    """A signal asked us to stop while we waited; see `waiting`."""


_EXIT_OF_STATUS = {
    400: Exit.USAGE,
    401: Exit.FORBIDDEN,
    403: Exit.FORBIDDEN,
    404: Exit.CONFLICT,
    405: Exit.INTERNAL,
    409: Exit.CONFLICT,
    410: Exit.CONFLICT,
    413: Exit.USAGE,
    422: Exit.USAGE,
}


class Refused(CommandError):
    """The daemon answered with an error (RFC 9457). `status` is HTTP's, `problem` the document."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(_sentence(status, problem))
        self.status = status
        self.problem = problem
        self.exit = _EXIT_OF_STATUS.get(status, Exit.INTERNAL)


class NotReady(Refused):
    """The daemon is starting or stopping (503): the same request may work in a moment."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(status, problem)
        self.exit = Exit.NO_DAEMON


def refusal(status: int, problem: dict[str, Any]) -> Refused:
    """The error that an answer of this status is."""
    passing = status == 503 and problem.get("type") != "state-unreadable"
    return NotReady(status, problem) if passing else Refused(status, problem)


def _sentence(status: int, problem: dict[str, Any]) -> str:
    """The detail, with the fields that help and that it does not mention itself."""
    text = str(problem.get("detail") or problem.get("title") or f"the daemon answered {status}")
    near = [str(name) for name in problem.get("near") or () if str(name) not in text]
    if near:
        text += f". Did you mean {' or '.join(near)}?"
    reference = problem.get("reference")
    if reference and str(reference) not in text:
        text += f" (look for {reference} in the daemon's log)"
    for line in problem.get("problems") or ():
        if str(line) not in text:
            text += f"\n{line}"
    return text
