"""What time it is for the person who looks."""

from __future__ import annotations

import time


def now() -> float:
    """Seconds since the epoch. The one place of the command line that asks; all else is told."""
    return time.time()  # noqa: TID251 - a client's own home of the wall clock; no rule depends on it
