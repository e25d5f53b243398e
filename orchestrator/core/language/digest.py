"""Names for values by their content."""

import hashlib
from typing import Any

import msgspec

_encoder = msgspec.json.Encoder(order="sorted")


def digest(value: Any) -> str:
    """32 hexadecimal digits that stand for a value: equal values have equal ones."""
    return hashlib.sha256(_encoder.encode(value)).hexdigest()[:32]
