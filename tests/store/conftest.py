"""Both drivers under one name: every test that takes `opening` or `store` runs against each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orchestrator.store.protocol import Store
from orchestrator.store.sqlite import open_store
from tests.store.inline import open_inline_store
from tests.store.store_builders import Opening


@pytest.fixture(params=[open_store, open_inline_store], ids=["threads", "inline"])
def opening(request: pytest.FixtureRequest) -> Opening:
    chosen: Opening = request.param
    return chosen


@pytest.fixture
async def store(opening: Opening, tmp_path: Path) -> AsyncIterator[Store]:
    async with opening(tmp_path) as store:
        yield store
