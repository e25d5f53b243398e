"""The bench, with nothing left of it after a test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.process.process_bench import Bench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.end()
