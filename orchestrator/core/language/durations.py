"""Durations as people write them."""

import math
import re

LONGEST = 3650 * 86400.0
_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_WRITTEN = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")


class Duration(float):
    """Seconds. Written `"90s"`, `"5m"`, `"1h30m"`, `"1d"`, or as a number of seconds."""

    PATTERN = r"^(?=\d)(\d+d)?(\d+h)?(\d+m)?(\d+(\.\d+)?s)?$"
    """The written form, for editors."""


def parse_duration(written: object) -> Duration:
    """Raises ValueError, saying how a duration is written."""
    match written:
        case bool():
            pass
        case int() | float() if math.isfinite(written):
            return _bounded(float(written), written)
        case str() if written and (found := _WRITTEN.fullmatch(written)):
            amounts = zip(_UNITS.values(), found.groups(default="0"), strict=True)
            return _bounded(sum(unit * float(amount) for unit, amount in amounts), written)
        case _:
            pass
    shown = f'"{written}"' if isinstance(written, str) else "this"
    raise ValueError(
        f'{shown} is no duration: write "90s", "5m", "1h30m", "1d" or a number of seconds'
    )


def _bounded(seconds: float, written: object) -> Duration:
    if seconds < 0:
        raise ValueError(f"{written} is less than no time: a duration is 0 or more")
    if seconds > LONGEST:
        raise ValueError(f"{written} is longer than ten years")
    return Duration(seconds)


def written(seconds: float) -> str:
    """A duration as files write it: `90s` is `1m30s`, half a second `0.5s`."""
    if seconds != int(seconds) or seconds < 60:
        return f"{seconds:g}s"
    left, parts = int(seconds), []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts)
