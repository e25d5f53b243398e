"""The wall clock of this host: for what must be known in other lives of the daemon too."""

import time


def utc() -> float:
    """Seconds since 1970."""
    return time.time_ns() / 1e9
