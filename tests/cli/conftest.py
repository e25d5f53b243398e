"""The recorded daemon, and the path by which these tests find what they share."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cli_recording import Recording


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Recording]:
    recording = Recording(tmp_path / "o.sock")
    recording.start()
    yield recording
    recording.stop()
