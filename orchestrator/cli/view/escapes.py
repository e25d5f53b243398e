"""Text that came from others, made harmless for a terminal.

A control character, a bidirectional override or half a surrogate pair becomes a visible escape
(`\\x1b`). What logs may keep is in `logtext`.
"""

from __future__ import annotations

_C1 = [*range(0x7F, 0xA0)]
_CONFUSING = [0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)]
VISIBLE = {code: f"\\x{code:02x}" for code in (*range(0x20), *_C1)}
"""What `str.translate` makes of each suspect character."""
VISIBLE.update({code: f"\\u{code:04x}" for code in _CONFUSING})
VISIBLE[0x0A], VISIBLE[0x0D], VISIBLE[0x09] = "\\n", "\\r", "\\t"
_VISIBLE_IN_JSON = {code: f"\\u{code:04x}" for code in (*_C1, *_CONFUSING)}


def harmless(text: object) -> str:
    """One line of others' text: every control character visible, line ends and tabs too."""
    plain = str(text)
    if plain.isascii() and plain.isprintable():
        return plain
    return escape_surrogates(plain.translate(VISIBLE))


def harmless_json(document: str) -> str:
    """A JSON text, with what a terminal may act on as JSON's own escapes; it means the same."""
    return escape_surrogates(document.translate(_VISIBLE_IN_JSON))


def escape_surrogates(text: str) -> str:
    """Halves of surrogate pairs as visible escapes: no encoding has them."""
    return text.encode("utf-8", "backslashreplace").decode()
