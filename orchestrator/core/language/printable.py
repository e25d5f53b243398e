"""Text of others inside a sentence of ours."""

LONGEST_SHOWN = 80


def printable(text: str, longest: int = LONGEST_SHOWN) -> str:
    """The text, shortened to so many characters, with control characters escaped."""
    shown = text if len(text) <= longest else text[: longest - 3] + "..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)
