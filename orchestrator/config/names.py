"""Names of environments and pipelines: the paths of their files."""

import re

_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
LONGEST = 200


def name_fault(name: str) -> str | None:
    """What is wrong with the name of an environment or pipeline, None if nothing is."""
    if len(name) > LONGEST:
        return f"the name is {len(name)} characters long; {LONGEST} are the most"
    for segment in name.split("/"):
        if not _SEGMENT.fullmatch(segment):
            return (
                f'"{segment}" is no name: use letters, digits, `-`, `_` and `.`, '
                "beginning with a letter or a digit"
            )
    return None
