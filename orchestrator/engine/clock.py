"""The clocks of the host: the only place of the daemon that reads them."""

import time
from typing import Protocol

from orchestrator.core.language.instant import Instant
from orchestrator.process.identity import read_boot_id


class Clock(Protocol):
    """Tells the moment."""

    def now(self) -> Instant:
        """This moment."""
        ...


class SystemClock:
    """The host's clocks."""

    def now(self) -> Instant:
        """This moment, by the wall clock and by the boot-time clock."""
        return Instant(
            utc=time.time_ns() // 1_000_000,
            boot=time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000,
            boot_id=read_boot_id(),
        )
