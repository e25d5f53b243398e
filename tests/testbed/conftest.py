"""The fixtures of all test beds."""

from tests.testbed.kubernetes.bed_fixtures import bed, bed_programs, detour, namespace
from tests.testbed.spinnaker.spinnaker_fixtures import (
    gate,
    private_spinnaker,
    secure_gate,
    spinnaker,
    spinnaker_programs,
)

__all__ = [
    "bed",
    "bed_programs",
    "detour",
    "gate",
    "namespace",
    "private_spinnaker",
    "secure_gate",
    "spinnaker",
    "spinnaker_programs",
]
