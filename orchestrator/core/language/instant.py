"""Time as the core sees it: an argument, never a call."""

import msgspec


class Instant(msgspec.Struct, frozen=True):
    """One moment, seen by three clocks.

    `utc` is milliseconds since 1970 and may be stepped; `boot` is milliseconds of the boot-time
    clock, which is never stepped and counts suspended time; `boot_id` says which boot it counts.
    """

    utc: int
    boot: int
    boot_id: str

    def since(self, earlier: "Instant") -> int:
        """Milliseconds from `earlier` to this moment, never negative.

        Within one boot the boot-time clock decides, so that a stepped wall clock changes no
        duration; across boots only the wall clock is left.
        """
        if self.boot_id == earlier.boot_id:
            return max(0, self.boot - earlier.boot)
        return max(0, self.utc - earlier.utc)


def milliseconds(seconds: float) -> int:
    """Whole milliseconds for a duration in seconds."""
    return round(seconds * 1000)
