"""The recorded daemon."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.cli_recording import Recording


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Recording]:
    recording = Recording(tmp_path / "o.sock")
    recording.start()
    yield recording
    recording.stop()
