"""Near names: what somebody probably meant."""

import difflib
from collections.abc import Iterable


def near(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Up to three of the known names that resemble `name`, the nearest first."""
    return tuple(difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.6))


def did_you_mean(names: Iterable[str]) -> str:
    """`; did you mean a or b?`, or nothing when nothing is near."""
    found = list(names)
    return f"; did you mean {' or '.join(found)}?" if found else ""
