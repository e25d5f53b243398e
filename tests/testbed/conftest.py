"""Puts the test beds within reach (importlib mode adds no path)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "kubernetes"))

from bed_fixtures import bed, bed_programs, namespace, private_bed

__all__ = ["bed", "bed_programs", "namespace", "private_bed"]
