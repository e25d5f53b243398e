"""What can go wrong between a client and Orca, for a front to play."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class Call(Enum):
    """A kind of call to Gate."""

    TRIGGER = "POST", r"/pipelines/[^/]+/[^/]+"
    EXECUTION = "GET", r"/pipelines/[^/]+"
    CANCEL = "PUT", r"/pipelines/[^/]+/cancel"
    PAUSE = "PUT", r"/pipelines/[^/]+/pause"
    RESUME = "PUT", r"/pipelines/[^/]+/resume"
    DELETE = "DELETE", r"/pipelines/[^/]+"
    STAGE = "PATCH", r"/pipelines/[^/]+/stages/[^/]+"
    """Which answers a manual judgment."""
    RESTART = "PUT", r"/pipelines/[^/]+/stages/[^/]+/restart"
    EXECUTIONS = "GET", r"/executions"
    SEARCH = "GET", r"/applications/[^/]+/executions/search"
    CONFIGS = "GET", r"/applications/[^/]+/pipelineConfigs"
    CONFIG = "GET", r"/applications/[^/]+/pipelineConfigs/[^/]+"
    USER = "GET", r"/auth/user"
    LOGIN = "POST", r"/login"
    LOGIN_FORM = "GET", r"/login"
    HEALTH = "GET", r"/health"
    OTHER = "", ""

    @classmethod
    def of(cls, method: str, path: str) -> "Call":
        """The kind of a request; the path without its query."""
        for call in cls:
            verb, pattern = call.value
            if method == verb and re.fullmatch(pattern, path):
                return call
        return cls.OTHER


class Fault(Enum):
    """Something that goes wrong."""

    ORCA_DOWN = "Orca refuses connections"
    HUNG = "nothing happens until the fault is over; then the call goes on, as in a frozen Orca"
    ANSWER_HELD = "Orca does it at once; the answer comes when the fault is over"
    SLOW = "the call goes on after `seconds`"
    GATE_429 = "Gate answers 429 and does nothing: too many requests"
    GATE_500 = "Gate answers 500"
    GATE_502 = "a proxy answers 502"
    GATE_503 = "a proxy answers 503"
    CUT_BEFORE = "the connection is cut, Orca hears nothing"
    CUT_AFTER = "the connection is cut after Orca has done it"
    NOT_JSON = "Orca does it, the answer is a page of a proxy with status 200"
    TRUNCATED = "Orca does it, the answer ends in the middle"
    LOGIN = "redirect to /login, as if the credentials were not valid any more"


@dataclass
class Injected:
    """A fault in force."""

    fault: Fault
    calls: tuple[Call, ...]
    """Empty: every call but /health."""
    left: int | None
    """For how many calls more; None: until it is lifted."""
    seconds: float
    about: str
    """What a call must name: a pipeline, an execution, a correlation id. Empty: nothing."""

    def hits(self, call: Call, names: Callable[[str], bool]) -> bool:
        """Whether it is this call's, which `names` what it is about."""
        if self.left == 0 or not names(self.about):
            return False
        return call in self.calls if self.calls else call is not Call.HEALTH


class Faults:
    """Those of one front."""

    def __init__(self) -> None:
        self._injected: list[Injected] = []
        self._changed = threading.Condition()

    def inject(
        self,
        fault: Fault,
        *calls: Call,
        times: int | None = None,
        seconds: float = 1.0,
        about: str = "",
    ) -> Injected:
        """Put a fault in force; the first that hits a call is the call's."""
        injected = Injected(fault, calls, times, seconds, about)
        with self._changed:
            self._injected.append(injected)
        return injected

    def lift(self, *injected: Injected) -> None:
        """Let these faults, or all, be over; calls that they held go on."""
        with self._changed:
            kept = [one for one in self._injected if injected and one not in injected]
            self._injected[:] = kept
            self._changed.notify_all()

    def take(self, call: Call, names: Callable[[str], bool]) -> Injected | None:
        """The fault of a call that begins now."""
        with self._changed:
            for one in self._injected:
                if one.hits(call, names):
                    if one.left is not None:
                        one.left -= 1
                    return one
        return None

    def await_end(
        self, injected: Injected, abandoned: Callable[[], bool], seconds: float | None = None
    ) -> None:
        """Block until a fault is over, or so many seconds, or `wake` finds the call abandoned."""

        def over() -> bool:
            return abandoned() or not any(one is injected for one in self._injected)

        with self._changed:
            self._changed.wait_for(over, seconds)

    def wake(self) -> None:
        """Let the calls that are held look whether they were abandoned."""
        with self._changed:
            self._changed.notify_all()
