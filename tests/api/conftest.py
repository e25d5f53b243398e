"""The API at work, for tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.api_bench import ApiBench, open_bench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[ApiBench]:
    async with open_bench(tmp_path) as opened:
        yield opened
