"""An installation as its users have it, and the test beds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.testing.daemon_zygote import Zygote
from tests.ambient import open_directory
from tests.e2e.e2e_bench import Installation
from tests.e2e.spinnaker_shop import brisk_shop, shop
from tests.testbed.kubernetes.bed_fixtures import bed, bed_programs, namespace
from tests.testbed.spinnaker.spinnaker_fixtures import gate, spinnaker, spinnaker_programs

__all__ = [
    "bed",
    "bed_programs",
    "brisk_shop",
    "gate",
    "namespace",
    "shop",
    "spinnaker",
    "spinnaker_programs",
]


@pytest.fixture
def installation(tmp_path: Path, zygote: Zygote) -> Iterator[Installation]:
    """A directory, a daemon that a test starts, and the command line."""
    with Installation(tmp_path, launch=zygote.launch) as installation:
        yield installation


@pytest.fixture
def public() -> Iterator[Installation]:
    """An installation whose directory others may enter."""
    with open_directory() as root, Installation(root) as installation:
        yield installation
