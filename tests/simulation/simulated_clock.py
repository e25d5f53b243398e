"""A fake of the host's clocks: trio's clock as boot time, a wall clock that can be stepped."""

import trio

from orchestrator.core.language.instant import Instant, milliseconds

FIRST_UTC = 1_700_000_000_000


class SimulatedClock:
    """Implements `Clock` on `trio.current_time()`, so that MockClock moves it.

    `boots` counts how often the host came up; `boot_id` says which boot it is.
    """

    def __init__(self) -> None:
        self.boots = 1
        self._booted = 0.0
        self._stepped = 0

    @property
    def boot_id(self) -> str:
        """The id of this boot."""
        return f"boot-{self.boots}"

    def now(self) -> Instant:
        """This moment."""
        seconds = trio.current_time()
        return Instant(
            utc=FIRST_UTC + milliseconds(seconds) + self._stepped,
            boot=milliseconds(seconds - self._booted),
            boot_id=self.boot_id,
        )

    def step(self, seconds: float) -> None:
        """Put the wall clock forward or back; boot time goes on."""
        self._stepped += milliseconds(seconds)

    def reboot(self) -> None:
        """A new boot begins: boot time starts from zero."""
        self.boots += 1
        self._booted = trio.current_time()
