"""Puts the material and the Kubernetes test bed within reach (importlib mode adds no path)."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
TESTS = HERE.parents[2] / "tests"
sys.path[:0] = map(str, (HERE, TESTS / "testbed" / "kubernetes", TESTS / "engine"))

from bed_fixtures import bed, bed_programs, namespace, private_bed  # noqa: E402

__all__ = ["bed", "bed_programs", "namespace", "private_bed"]
