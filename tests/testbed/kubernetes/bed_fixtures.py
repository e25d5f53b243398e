"""Fixtures for a conftest to import: `bed`, `namespace`, `detour`, `registry_program`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import needs
from tests.testbed.common import bed_life
from tests.testbed.kubernetes import bed_build, bed_detour, registry_build
from tests.testbed.kubernetes.bed import Bed, Programs, shared
from tests.testbed.kubernetes.bed_detour import Detour

__all__ = ["bed", "bed_programs", "detour", "namespace", "registry_program"]


@pytest.fixture(scope="session")
def bed_programs() -> Programs:
    """kubectl, helm 3 and 4. Skips where they are not built."""
    needs.demand(needs.KUBERNETES)
    return Programs(bed_build.location())


@pytest.fixture(scope="session")
def registry_program() -> Path:
    """What `bed_registry.registry` starts. Skips where it is not built."""
    needs.demand(needs.KUBERNETES)
    return registry_build.place() / "registry"


@pytest.fixture(scope="session")
def bed(bed_programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """The bed of this run of the tests, shared by all its workers."""
    directory = bed_life.directory_of_run(tmp_path_factory.getbasetemp()) / "kubernetes"
    directory.mkdir(exist_ok=True)
    with shared(bed_programs, directory) as bed:
        yield bed


@pytest.fixture
def namespace(bed: Bed) -> str:
    """A new namespace on the shared bed."""
    return bed.create_namespace()


@pytest.fixture
def detour(bed: Bed, tmp_path: Path) -> Iterator[Detour]:
    """A way to the shared bed that this test may block."""
    with bed_detour.detour(bed, tmp_path) as detour:
        yield detour
