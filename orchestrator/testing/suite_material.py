"""What the author of an adapter gives to the suite."""

import abc
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

Settings: TypeAlias = dict[str, Any]
"""A step's `with` table, as a file of TOML gives it."""


class Material(abc.ABC):
    """What one test works with: made anew for each, with an empty directory `root` of its own.

    Each method that answers Settings describes a step. What it returns may call a real tool, a
    small script in its place, or a server that this object runs (`close` ends it); it must work
    while the daemon is killed and started again. Where a method may answer None, the tests that
    need it are skipped, with a reason that names it.

    The tool has to leave traces from which `runs` and `stops` can be counted: a line appended to
    a file when it begins its work, another when it is asked to stop, or the requests that a
    server has seen.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def source(self) -> Path | None:
        """Where steps run; None is an empty directory of each job's own."""
        return None

    @property
    def env(self) -> Mapping[str, str]:
        """Variables of the step's processes, as its `env` table gives them."""
        return {}

    @abc.abstractmethod
    def succeeding(self) -> Settings:
        """A step that soon succeeds."""

    @abc.abstractmethod
    def failing(self) -> Settings:
        """A step that soon fails by itself, with nothing left to clean."""

    @abc.abstractmethod
    def working(self) -> Settings:
        """A step that works until it is asked to stop, and then soon ends, as cancelled."""

    def stubborn(self) -> Settings | None:
        """A step that works on after it was asked to stop, until `relent`.

        It may end as cancelled then, or succeed.
        """
        return None

    def blocked(self) -> Settings | None:
        """A step whose acquire waits, and says so by `waiting_for`, until it is stopped."""
        return None

    def lasting_cleanup(self) -> Settings | None:
        """A step that soon succeeds, and whose cleanup lasts until `relent`."""
        return None

    def dirty(self) -> Settings | None:
        """A step whose cleanup finds something that is left, until `tidy`."""
        return None

    @property
    def asks(self) -> bool:
        """Whether its steps ask people (`Step.ask`), so that somebody must answer them."""
        return False

    def answer(self, job: int, question: str) -> bool | None:
        """What people say to what a step of this job asks: yes, no, or (None) nothing yet.

        Called again and again while the question is open.
        """
        return None

    def relent(self) -> None:
        """Let `stubborn` and `lasting_cleanup` end."""
        raise NotImplementedError

    def tidy(self) -> None:
        """Make good what `dirty` leaves."""
        raise NotImplementedError

    @property
    def outputs(self) -> dict[str, Any]:
        """The outputs of `succeeding`, as people see them: sensitive ones as `(sensitive)`."""
        return {}

    @property
    def written_out(self) -> frozenset[str]:
        """Settings that `traits` must know, so that a reference is refused there."""
        return frozenset()

    @property
    def lines(self) -> tuple[str, ...]:
        """Lines that the log of `succeeding` holds once each, whatever became of the daemon."""
        return ()

    @abc.abstractmethod
    def runs(self) -> int:
        """How often the tool has begun its work, over all steps of this test."""

    @abc.abstractmethod
    def stops(self, log: str) -> int | None:
        """How often the tool was asked to stop; None where it can't tell.

        `log` is the log of the step.
        """

    def left(self) -> str:
        """What is still held or half done after a clean end; empty where nothing is."""
        return ""

    def close(self) -> None:  # noqa: B027  most have nothing to close
        """The test is over."""
