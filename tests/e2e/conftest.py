"""Puts the bench and the test servers within reach (importlib mode adds no path)."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "testbed" / "common"))
sys.path.insert(0, str(Path(__file__).parents[1] / "testbed" / "kubernetes"))
sys.path.insert(0, str(Path(__file__).parents[1] / "testbed" / "spinnaker"))
sys.path.insert(0, str(Path(__file__).parents[1] / "testbed" / "terraform"))
sys.path.insert(0, str(Path(__file__).parent))

from bed_fixtures import bed, bed_programs, namespace
from e2e_bench import Installation
from spinnaker_fixtures import gate, spinnaker, spinnaker_programs
from spinnaker_shop import shop

from orchestrator.testing.daemon_zygote import Zygote

__all__ = ["bed", "bed_programs", "gate", "namespace", "shop", "spinnaker", "spinnaker_programs"]


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """Starts daemons in a moment, where a test needs many."""
    zygote = Zygote()
    yield zygote
    zygote.close()


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """A directory, a daemon that a test starts, and the command line."""
    with Installation(tmp_path) as installation:
        yield installation


@pytest.fixture
def public() -> Iterator[Installation]:
    """An installation whose directory others may enter."""
    root = Path(tempfile.mkdtemp(prefix="orchestrator-e2e-"))
    root.chmod(0o755)
    with Installation(root) as installation:
        yield installation
    shutil.rmtree(root)
