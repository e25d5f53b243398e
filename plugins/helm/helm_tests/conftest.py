"""A release of its own in the Kubernetes test bed, and a daemon that works on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from helm_tests.helm_bench import HelmBench, Place, open_helm_bench
from orchestrator.testing.daemon_zygote import Zygote
from tests.proof_lines import CountProof
from tests.testbed.kubernetes.bed_fixtures import (
    bed,
    bed_programs,
    detour,
    namespace,
    registry_program,
)

__all__ = ["bed", "bed_programs", "detour", "namespace", "registry_program"]


@pytest.fixture(params=[3, 4], ids=["helm3", "helm4"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A namespace for one release, once for each helm."""
    bed = request.getfixturevalue("bed")
    return Place(tmp_path, bed, request.getfixturevalue("namespace"), request.param)


@pytest.fixture(autouse=True)
def counted(count_proof: CountProof) -> None:
    """A proof is told by the number of its tests."""
    count_proof("helm-matrix", {"tests": 1})


@pytest.fixture
def bench(tmp_path: Path, place: Place, zygote: Zygote) -> Iterator[HelmBench]:
    """A daemon that works on it."""
    with open_helm_bench(tmp_path, place, zygote) as bench:
        yield bench
