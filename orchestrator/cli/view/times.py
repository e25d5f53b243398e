"""Instants and durations, as text for people."""

from __future__ import annotations

import time


def instant(text: str) -> float:
    """Seconds since the epoch of `2026-01-31T12:00:00.123Z`."""
    from datetime import datetime  # two milliseconds, that a verb without times need not pay

    return datetime.fromisoformat(text).timestamp()


def duration(seconds: float) -> str:
    """Such as `0.4s`, `12s`, `2m 04s`, `3h 05m`, `2d 04h`."""
    if seconds < 0.95:
        return f"{max(0.0, seconds):.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d {whole % 86400 // 3600:02d}h"


def roughly(seconds: float) -> str:
    """A duration for "how long already": `6 min`, `40 s`, `3 h`, `2 days`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 5400:
        return f"{round(whole / 60)} min"
    if whole < 129600:
        return f"{round(whole / 3600)} h"
    return f"{round(whole / 86400)} days"


def clock(text: str | None, now: float) -> str:
    """The local time of an instant: `12:04` today, else with its date. "" for None."""
    if text is None:
        return ""
    moment = time.localtime(instant(text))
    today = time.localtime(now)
    same_day = moment[:3] == today[:3]
    return time.strftime("%H:%M" if same_day else "%Y-%m-%d %H:%M", moment)


def moment(text: str | None, now: float) -> str:
    """Like `clock`, but an instant less than two minutes away has its seconds."""
    if text is None or abs(instant(text) - now) >= 120:
        return clock(text, now)
    return time.strftime("%H:%M:%S", time.localtime(instant(text)))


def since(text: str | None, now: float) -> str:
    """`12:04 (6 min)`: when, and how long ago. "" for None."""
    return f"{clock(text, now)} ({roughly(now - instant(text))})" if text else ""


def between(start: str | None, end: str | None, now: float) -> str:
    """How long from one instant to another, or to now while there is no end; "" if not begun."""
    if start is None:
        return ""
    return duration((instant(end) if end else now) - instant(start))


def now() -> float:
    """Seconds since the epoch. The one place of the command line that asks; all else is told."""
    return time.time()  # noqa: TID251 - a client's own home of the wall clock; no rule depends on it
