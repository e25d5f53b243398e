"""A look at what a cleanup left reads the debt that the cleanup was to pay."""

from pathlib import Path

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from tests.engine.engine_bench import ROOT, open_bench, pipeline, step


async def test_a_paid_debt_is_read_again(tmp_path: Path) -> None:
    """By an empty number the look would look at something else, find nothing, and say so."""
    once = f"test -e {tmp_path}/left || {{ touch {tmp_path}/left; exit 1; }}"
    script = f"echo $0 >> {tmp_path}/seen; {once}"
    cleanup = ["sh", "-c", script, "${debt.job}"]
    web = pipeline("web", (step("go", "command", "true"),), cleanup="clean")
    with_ = {"run": ["true", "${debt.job}"], "cleanup": cleanup}
    clean = pipeline("clean", (step("go", "command", config=with_),))
    async with open_bench(tmp_path) as bench, bench.serving(web, clean) as engine:
        await bench.ended(await bench.submit())
        assert (await bench.ended(2)).dirty
        by_hand = cmd.Submit(caller=ROOT, pipeline="clean", environment="one", pays=1)
        await bench.ended((await engine.submit(by_hand)).job)
        await bench.happened(ev.QuarantineLifted)
        assert (tmp_path / "seen").read_text() == "1\n1\n1\n"
