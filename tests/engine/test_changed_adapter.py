"""An adapter whose files are others after a restart, while what it began is at work."""

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest
import trio

from orchestrator.core.language import events as ev
from orchestrator.core.language.words import StepConclusion
from orchestrator.engine.attempt.adapter_files import digest_of_files
from orchestrator.plugin import Adapter
from tests.engine.engine_bench import Bench, Plain, open_bench, pipeline, step
from tests.engine.test_stop_ladder import begun, gates, open_gate

pytestmark = pytest.mark.slow

SOURCE = """
import sys
from orchestrator.plugin import Adapter, Result, CLEAN
from tests.engine.engine_bench import Nothing, python

CODE = "open(sys.argv[1] + '/begun', 'w').close(); open(sys.argv[1] + '/gate').read()"

class Changing(Adapter[Nothing]):
    name = "changing"
    config_type = Nothing

    async def apply(self, step):
        ended = None
        for key in {keys}:
            ended = await step.run(key, python("import sys; " + CODE, {root!r}))
        return Result.of(ended)

    async def cleanup(self, step):
        return CLEAN
"""


class Shop:
    """Releases versions of one adapter: its module, written anew."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def release(self, *keys: str) -> Adapter[Any]:
        """The adapter that asks for these keys, one after the other."""
        path = self.root / "changing_adapter.py"
        path.write_text(SOURCE.format(keys=keys, root=str(self.root)))
        sys.modules.pop("changing_adapter", None)
        importlib.invalidate_caches()
        adapter: Adapter[Any] = importlib.import_module("changing_adapter").Changing()
        return adapter


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return Shop(tmp_path)


def install(bench: Bench, adapter: Adapter[Any]) -> None:
    bench.adapters = {**bench.adapters, adapter.name: adapter}


async def test_another_key_starts_no_second_tool(tmp_path: Path, shop: Shop) -> None:
    """What runs is waited for, and the step is lost: the key means nothing to this version."""
    async with open_bench(tmp_path, shop.release("run")) as bench:
        gates(bench)
        web = pipeline("web", (step("go", "changing"),))
        async with bench.serving(web):
            job = await bench.submit()
            await begun(bench)
        install(bench, shop.release("apply"))
        async with bench.serving(web):
            waits_for = (await bench.happened(ev.StepWaiting)).text
            assert waits_for == "the end of run, which an earlier version of it began"
            assert bench.all(ev.StepApplied) == []
            await open_gate(bench)
            await bench.ended(job)
            end = (await bench.finished_step(job)).ending
            assert end.conclusion is StepConclusion.LOST
            assert "asks for apply" in end.reason and "had begun run" in end.reason
        assert list(bench.attempt(job).glob("processes/apply-apply*")) == []


async def test_the_same_key_is_adopted(tmp_path: Path, shop: Shop) -> None:
    """A version that only does more afterwards."""
    async with open_bench(tmp_path, shop.release("run")) as bench:
        gates(bench)
        web = pipeline("web", (step("go", "changing"),))
        async with bench.serving(web):
            job = await bench.submit()
            await begun(bench)
        install(bench, shop.release("run", "more"))
        async with bench.serving(web):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(open_gate, bench)
                nursery.start_soon(_see_the_second, bench)
            await bench.ended(job)
            assert (await bench.finished_step(job)).ending.conclusion is StepConclusion.SUCCESS


async def _see_the_second(bench: Bench) -> None:
    await begun(bench)
    await open_gate(bench)


def test_a_version_is_its_files(shop: Shop) -> None:
    """An adapter may ask as it likes, by what it sees: that is no other version."""
    assert digest_of_files(shop.release("a")) == digest_of_files(shop.release("a"))
    assert digest_of_files(shop.release("a")) != digest_of_files(shop.release("b"))


def test_what_has_no_files_is_unknown() -> None:
    class Interactive(Plain):
        pass

    Interactive.__module__ = "typed_in"
    assert digest_of_files(Interactive()) == ""
