"""Whether this is CI, where nothing may be missing. Standard library only."""

import os


def is_ci() -> bool:
    """Whether $CI says so; people switch it off by an empty value, `false` or `0`."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false", "no")
