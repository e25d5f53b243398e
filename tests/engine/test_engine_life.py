"""Jobs from submission to their end, on real processes."""

import os
from pathlib import Path

import trio

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.words import JobConclusion, Section, StepConclusion
from orchestrator.engine.engine import RetryRequest
from orchestrator.plugin import Result, Step
from tests.engine.engine_bench import ROOT, Nothing, Plain, open_bench, pipeline, python, step


async def test_a_job_runs_its_steps_and_ends(tmp_path: Path) -> None:
    steps = (step("go", "command", "sh", "-c", "echo hello"),)
    async with open_bench(tmp_path) as bench, bench.serving(pipeline("web", steps)):
        job = await bench.submit()
        assert (await bench.ended(job)).conclusion is JobConclusion.SUCCESS
        assert bench.log(job) == "hello\n"
        assert (await bench.finished_step(job)).ending.exit == 0


async def test_outputs_reach_the_next_step(
    tmp_path: Path,
) -> None:
    """Outputs of a step reach the next, and sensitive ones stay out of the journal."""

    class Telling(Plain):
        async def apply(self, step: Step[Nothing]) -> Result:
            step.output("token", "s3cret", sensitive=True)
            return Result(exit=0, outputs={"url": "http://x"})

    use = step("use", "command", "echo", "${steps.tell.outputs.token}", "${steps.tell.outputs.url}")
    use = step("use", "command", *use.config["run"], needs=("tell",))
    async with open_bench(tmp_path, Telling()) as bench:
        async with bench.serving(pipeline("web", (step("tell", "plain"), use))):
            job = await bench.submit()
            assert (await bench.ended(job)).conclusion is JobConclusion.SUCCESS
            assert bench.log(job, "use") == "****** http://x\n"
            told = (await bench.job(job)).step("tell")
            assert told.outputs == {"token": None, "url": "http://x"}
            assert told.sensitive == ("token",)
        assert not any("s3cret" in str(line) for line in bench.events)
        outputs = bench.attempt(job, "tell") / "outputs.json"
        assert outputs.stat().st_mode & 0o777 == 0o600


async def test_a_failed_job_owes_a_cleanup(
    tmp_path: Path,
) -> None:
    """A failed job owes a cleanup that runs by itself, and can be retried."""
    web = pipeline("web", (step("go", "command", "false"),), cleanup="clean")
    clean = pipeline("clean", (step("go", "command", "true"),))
    async with open_bench(tmp_path) as bench, bench.serving(web, clean) as engine:
        job = await bench.submit()
        assert (await bench.ended(job)).conclusion is JobConclusion.FAILURE
        paid = await bench.happened(ev.DebtPaid)
        assert (paid.job, paid.paid_by) == (job, job + 1)
        again = await engine.retry(RetryRequest(ROOT, job))
        assert again.created
        await bench.ended(again.job)
        assert (await bench.job(again.job)).retry_of == job


async def test_a_preview_changes_nothing(
    tmp_path: Path,
) -> None:
    """A preview changes nothing, and says what a job would wait for."""
    web = pipeline("web", (step("go", "command", *python("open('gate').read()")),))
    async with open_bench(tmp_path) as bench, bench.serving(web) as engine:
        await bench.submit(key="k", request="r")
        before = await engine.store.last_event_id()
        request = cmd.Submit(caller=ROOT, pipeline="web", environment="one", key="k", request="r")
        preview = await engine.preview(request)
        assert preview.definition.pipeline == web
        assert [blocker.type.value for blocker in preview.blockers] == ["job"]
        async with engine.reading() as world:
            assert list(world.jobs) == [1] and world.next_job == 2
        assert await engine.store.last_event_id() >= before
        assert await bench.submit() == 2


async def test_a_preview_says_what_it_would_pay(tmp_path: Path) -> None:
    web = pipeline("web", (step("go", "command", "true"),), cleanup="clean")
    clean = pipeline("clean", (step("go", "command", "false"),))
    async with open_bench(tmp_path) as bench, bench.serving(web, clean) as engine:
        job = await bench.submit()
        await bench.ended(job)
        await bench.ended(job + 1)
        request = cmd.Submit(caller=ROOT, pipeline="clean", environment="one")
        assert (await engine.preview(request)).pays == (job,)


async def test_a_clean_recheck_lifts_the_quarantine(tmp_path: Path) -> None:
    """A recheck that finds it clean lifts the quarantine."""
    script = f"test -e {tmp_path}/repaired"
    dirty = step("go", "command", config={"run": ["true"], "cleanup": ["sh", "-c", script]})
    async with open_bench(tmp_path) as bench, bench.serving(pipeline("web", (dirty,))) as engine:
        job = await bench.submit()
        ended = await bench.ended(job)
        assert ended.dirty and ended.conclusion is JobConclusion.FAILURE
        await engine.execute(cmd.Recheck(ROOT, "one"))
        assert (await bench.happened(ev.Rechecked)).finding is not None
        (tmp_path / "repaired").touch()
        await engine.execute(cmd.Recheck(ROOT, "one"))
        await bench.happened(ev.QuarantineLifted)


async def test_a_step_that_never_was_entered_leaves_nothing(tmp_path: Path) -> None:
    unknown = step("go", "missing")
    async with open_bench(tmp_path) as bench, bench.serving(pipeline("web", (unknown,))):
        job = await bench.submit()
        assert (await bench.ended(job)).conclusion is JobConclusion.FAILURE
        end = await bench.finished_step(job)
        assert end.ending.conclusion is StepConclusion.FAILURE and end.finding is None
        assert "no installed plugin" in end.ending.reason


async def test_what_prepares_goes_on_after_restarts(tmp_path: Path) -> None:
    """Nothing of its environment runs, owes or changes; it is at work all the same."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    waits = python("import sys; open(sys.argv[1]).read()", gate)
    build = step("build", "command", *waits, section=Section.BEFORE, touches=False)
    web = pipeline("web", (build, step("go", "command", "true")))
    async with open_bench(tmp_path) as bench:
        async with bench.serving(web):
            job = await bench.submit()
            await bench.happened(ev.StepRecorded)
        async with bench.serving(web):
            await trio.to_thread.run_sync(gate.write_text, "go on")
            assert (await bench.ended(job)).conclusion is JobConclusion.SUCCESS
