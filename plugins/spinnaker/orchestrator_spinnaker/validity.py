"""What is wrong with single settings, as far as can be told without asking anybody."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

from orchestrator.plugin import parse_duration

Written = str | int | float
"""A duration, as people write it."""


def refuse(problems: Iterator[str]) -> None:
    """Raises ValueError with all of them."""
    if found := list(problems):
        raise ValueError("; ".join(found))


def is_open(value: object) -> bool:
    """Whether a reference in it is not resolved yet, so that nothing is known of it."""
    return isinstance(value, str) and "${" in value


def of_duration(name: str, value: Written, *, least: float = 0.0) -> Iterator[str]:
    """`least`: seconds."""
    if is_open(value):
        return
    try:
        if parse_duration(value) < least:
            yield f"`{name}`: {value} is too short, {least:g}s is the least"
    except ValueError as error:
        yield f"`{name}`: {error}"


def split_conflict(conflict: str) -> tuple[str, str]:
    """Application and pipeline of an entry of `conflicts`."""
    application, _, pipeline = conflict.partition("/")
    return application, pipeline


def of_conflict(conflict: str) -> Iterator[str]:
    """Of an entry of `conflicts`."""
    if not is_open(conflict) and not all(split_conflict(conflict)):
        yield f'`conflicts`: "{conflict}" is not "application/pipeline"'


def of_address(name: str, value: str) -> Iterator[str]:
    """Never with the address itself: it may hold a password."""
    if is_open(value):
        return
    try:
        parts = urlsplit(value)
        httpx.URL(value)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        known = known and not any(map(str.isspace, value))
    except (ValueError, httpx.InvalidURL):
        known, parts = False, urlsplit("")
    if not known:
        yield f"`{name}` is no address, as in https://{name}.example"
    elif parts.username is not None:
        yield f"`{name}`: credentials belong into `auth`, not into the address"
    elif name == "gate" and (parts.query or parts.fragment):
        yield "`gate`: an address without `?` and `#`, as in https://gate.example"
