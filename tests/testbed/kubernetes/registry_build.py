"""Builds the OCI registry of the test bed, apart, so that it never makes the rest be built again.

`python registry_build.py`, which `make testbed` runs, shows how it goes on.
"""

import re
import sys
from pathlib import Path

from tests.testbed.common.bed_cache import make_bed
from tests.testbed.kubernetes.bed_build import Part, build, location, why_no_go

SOURCE = Path(__file__).parent / "registry"


def _version() -> str:
    found = re.search(r"go-containerregistry (v\S+)", (SOURCE / "go.mod").read_text())
    assert found, "registry/go.mod requires go-containerregistry"
    return found[1]


PARTS = (
    Part("registry", ("install", "-trimpath", "-ldflags=-s -w", "."), ("--version",), _version()),
)


def place() -> Path:
    """Where it is, or will be."""
    return location(PARTS, SOURCE)


def main() -> int:
    """What `make testbed` does; bed_build.py has said what is missing where Go is."""
    if why_no_go():
        return 0
    return make_bed("Kubernetes", place(), why_no_go, lambda report: build(report, PARTS, SOURCE))


if __name__ == "__main__":
    sys.exit(main())
