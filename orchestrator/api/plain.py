"""Moments and people, as the wire shows them."""

from datetime import UTC, datetime

from orchestrator.api import wire
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import Actor


def time(instant: Instant) -> str:
    """A moment, as `2026-01-31T12:00:00.123Z`."""
    return utc(instant.utc)


def utc(moment: int) -> str:
    """UTC milliseconds, as `2026-01-31T12:00:00.123Z`."""
    seconds, rest = divmod(moment, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


def person(of: Actor) -> wire.Actor:
    """A person."""
    return wire.Actor(uid=of.uid, user=of.user)


def actor(of: Actor | None) -> wire.Actor | None:
    """A person, None where a rule did it."""
    return None if of is None else person(of)
