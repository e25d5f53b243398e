"""Fixtures for a conftest to import: `spinnaker`, `gate`, `secure_gate`, `private_spinnaker`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import needs
from tests.testbed.common import bed_life
from tests.testbed.spinnaker import spinnaker_build
from tests.testbed.spinnaker.spinnaker_bed import Bed, PrivateBed, private, shared
from tests.testbed.spinnaker.spinnaker_gate import Gate
from tests.testbed.spinnaker.spinnaker_users import Authority

__all__ = ["gate", "private_spinnaker", "secure_gate", "spinnaker", "spinnaker_programs"]


@pytest.fixture(scope="session")
def spinnaker_programs() -> Path:
    """Orca, built. Skips where it is not, or cannot run."""
    needs.demand(needs.SPINNAKER)
    return spinnaker_build.location()


@pytest.fixture(scope="session")
def spinnaker(spinnaker_programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """The bed of this run of the tests, shared by all its workers."""
    directory = bed_life.directory_of_run(tmp_path_factory.getbasetemp()) / "spinnaker"
    directory.mkdir(exist_ok=True)
    with shared(spinnaker_programs, directory) as bed:
        yield bed


@pytest.fixture
def gate(spinnaker: Bed) -> Iterator[Gate]:
    """A front of this test before the shared bed."""
    with Gate(spinnaker) as gate:
        yield gate


@pytest.fixture
def secure_gate(spinnaker: Bed, tmp_path: Path) -> Iterator[Gate]:
    """The same with TLS; its `authority` is the CA, and certifies users."""
    with Gate(spinnaker, Authority(tmp_path / "pki")) as gate:
        yield gate


@pytest.fixture
def private_spinnaker(spinnaker_programs: Path, tmp_path: Path) -> Iterator[PrivateBed]:
    """A bed of this test alone, whose Orca it may stop."""
    with private(spinnaker_programs, tmp_path / "spinnaker") as bed:
        yield bed
