"""Names that were perhaps meant."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean "a" or "b"?`, or nothing when nothing is near."""
    by_letters = {name.lower(): name for name in known}
    found = difflib.get_close_matches(name.lower(), by_letters, n=3, cutoff=0.7)
    names = " or ".join(f'"{by_letters[letters]}"' for letters in found)
    return f"; did you mean {names}?" if names else ""
