"""The time of this host, which is helm's too: how old a pending operation is."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """UTC."""
    return datetime.fromtimestamp(time.time_ns() / 1e9, UTC)
