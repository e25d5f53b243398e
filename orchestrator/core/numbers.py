"""Numbers as people and scripts write them: in decimal, as in JSON."""

import math
import re

NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
LONGEST = 100
"""Characters."""
_NUMBER = re.compile(NUMBER)
_LARGEST_EXACT = 2**53


def number(text: str) -> int | float | None:
    """The number that the text says, a whole one without a point as an integer; None if it says
    none, or one too large."""
    if len(text) > LONGEST or not _NUMBER.fullmatch(text):
        return None
    if not any(sign in text for sign in ".eE"):
        return int(text)
    found = float(text)
    return found if math.isfinite(found) else None


def shortest(value: int | float) -> str:
    """The number as text: `3` for 3.0, `0.5`, `1e+300`."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= _LARGEST_EXACT:
        return str(int(value))
    return str(value)
