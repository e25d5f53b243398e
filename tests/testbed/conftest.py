"""Puts the test beds within reach (importlib mode adds no path)."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = (str(HERE / bed) for bed in ("common", "kubernetes", "spinnaker"))

from bed_fixtures import bed, bed_programs, namespace, private_bed  # noqa: E402
from spinnaker_fixtures import (  # noqa: E402
    gate,
    private_spinnaker,
    secure_gate,
    spinnaker,
    spinnaker_programs,
)

__all__ = [
    "bed",
    "bed_programs",
    "gate",
    "namespace",
    "private_bed",
    "private_spinnaker",
    "secure_gate",
    "spinnaker",
    "spinnaker_programs",
]
