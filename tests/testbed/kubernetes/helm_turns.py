"""Which of the tests that are there twice, for helm 3 and for helm 4, are run by both."""

import re
import zlib
from collections import defaultdict

import pytest


def take(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave each to one helm, by its name, so that new tests do not change whose turn it is.

    Both have it in `make proof`, and where helm 3 and helm 4 differ, which is marked `both_helms`.
    """
    if config.getoption("effort", "test") == "proof":
        return
    twins = defaultdict[str, list[pytest.Item]](list)
    for item in items:
        if not item.get_closest_marker("both_helms"):
            twins[re.sub("(?i)helm[34]", "helm", item.nodeid)].append(item)
    left_out = {
        twin[zlib.crc32(name.encode()) % 2].nodeid for name, twin in twins.items() if len(twin) == 2
    }
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in left_out])
    items[:] = [item for item in items if item.nodeid not in left_out]
