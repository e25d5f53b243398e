"""Puts the material and the Kubernetes test bed within reach (importlib mode adds no path)."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.testing.daemon_zygote import Zygote

HERE = Path(__file__).parent
TESTS = HERE.parents[2] / "tests"
BEDS = TESTS / "testbed"
sys.path[:0] = map(str, (HERE, BEDS / "common", BEDS / "kubernetes"))

from bed_fixtures import (  # noqa: E402
    bed,
    bed_programs,
    namespace,
    private_bed,
    registry_program,
)
from helm_bench import HelmBench, Place, open_helm_bench  # noqa: E402

__all__ = ["bed", "bed_programs", "namespace", "private_bed", "registry_program"]


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """What forks the daemons of all tests."""
    zygote = Zygote()
    yield zygote
    zygote.close()


@pytest.fixture(params=[3, 4], ids=["helm3", "helm4"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A namespace for one release, once for each helm."""
    bed = request.getfixturevalue("bed")
    return Place(tmp_path, bed, request.getfixturevalue("namespace"), request.param)


@pytest.fixture
def bench(tmp_path: Path, place: Place, zygote: Zygote) -> Iterator[HelmBench]:
    """A daemon that works on it."""
    with open_helm_bench(tmp_path, place, zygote) as bench:
        yield bench
