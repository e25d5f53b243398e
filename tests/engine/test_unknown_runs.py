"""What a journal that went back does not know: held, judged, waited for, set aside."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import trio
from structlog.testing import capture_logs

from orchestrator.config.settings import SecretValues
from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.model import StepRef
from orchestrator.core.language.words import JobConclusion
from orchestrator.engine.attempt.claims import ClaimBook
from orchestrator.engine.attempt.mark import JobMark, mark_file, read_mark
from orchestrator.engine.paths import Paths
from orchestrator.engine.secrets.attempt_secrets import Kept
from orchestrator.process.host import ProcessHost
from orchestrator.process.identity import read_boot_id
from orchestrator.process.state import Running
from tests.engine.engine_bench import ROOT, Bench, open_bench, pipeline, python, step
from tests.engine.going_back import back_up, put_back

pytestmark = pytest.mark.slow

ANOTHER_BOOT = "11111111-2222-3333-4444-555555555555"
SAYS = "open('../../../../ran', 'a').write('ran\\n')"
WEB = pipeline("web", (step("go", "command", *python(SAYS)),))
WAITS = pipeline(
    "waits",
    (step("go", "command", *python("open('../../../../begun', 'w'); open('../../../../gate')")),),
)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    for name in ("begun", "gate"):
        os.mkfifo(tmp_path / name)
    async with open_bench(tmp_path) as made:
        yield made


async def forget(bench: Bench) -> str:
    """Job 1 has run in `one`, and the journal does not know it; its token."""
    async with bench.serving(WEB):
        back_up(bench)
        assert (await bench.ended(await bench.submit())).conclusion is JobConclusion.SUCCESS
    put_back(bench)
    bench.events.clear()
    mark = read_mark(Paths(bench.state_dir).job(1))
    assert mark is not None
    return mark.token


def judged(wait: bool) -> cmd.JudgeUnknown:
    return cmd.JudgeUnknown(caller=ROOT, job=1, wait=wait, reason="looked at it")


def runs(bench: Bench) -> int:
    """How often the tool has run."""
    return (bench.root / "ran").read_text().count("ran\n")


async def test_of_this_boot_it_keeps_all_out(bench: Bench) -> None:
    """A deploy called success that never ran, was what came of it before."""
    token = await forget(bench)
    paths = Paths(bench.state_dir)
    for _ in range(2):  # nor does the next start forget it
        async with bench.serving(WEB):
            job = await bench.submit()
            assert await bench.submit(environment="two") == job + 1
            await bench.ended(job + 1)
            assert bench.all(ev.JobAdmitted)[-1].job != job
    async with bench.serving(WEB) as engine:
        await engine.execute(judged(wait=False))
        assert (await bench.ended(2)).conclusion is JobConclusion.SUCCESS
        await bench.ended(4)
    assert not paths.job(1).exists()
    assert (paths.aside(1, token) / "steps" / "go" / "1" / "log").exists()
    assert runs(bench) == 5


async def test_the_daemon_waits_for_its_tools(bench: Bench) -> None:
    """One process tree after the other, and then jobs start again."""
    async with bench.serving(WEB, WAITS):
        back_up(bench)
        await bench.submit("waits")
        await trio.to_thread.run_sync((bench.root / "begun").read_bytes, abandon_on_cancel=True)
    put_back(bench)
    bench.events.clear()
    async with bench.serving(WEB, WAITS) as engine:
        [pid] = engine.unknown.pids(1)
        job = await bench.submit()
        await engine.execute(judged(wait=True))
        assert not bench.all(ev.UnknownRunSetAside)
        host = ProcessHost(bench.root / "keeper")
        [place] = (bench.attempt(1) / "processes").glob("*/")
        state = host.look(place)
        assert isinstance(state, Running) and state.pid == pid
        await trio.to_thread.run_sync((bench.root / "gate").write_text, "", abandon_on_cancel=True)
        assert (await bench.ended(job)).conclusion is JobConclusion.SUCCESS
    order = [type(line.event) for line in bench.events]
    assert order.index(ev.UnknownRunSetAside) < order.index(ev.JobAdmitted)


def of_another_boot(bench: Bench, directory: Path) -> None:
    """What a reboot makes of a job's directory."""
    mark = read_mark(directory)
    assert mark is not None
    was = msgspec.structs.replace(mark, boot_id=ANOTHER_BOOT)
    mark_file(directory).write_bytes(msgspec.json.encode(was))
    for started in directory.glob("steps/*/*/processes/*/started"):
        started.write_text(started.read_text().replace(read_boot_id(), ANOTHER_BOOT))


async def test_of_another_boot_it_is_set_aside(bench: Bench) -> None:
    """With a line in the log, and nobody is asked."""
    token = await forget(bench)
    paths = Paths(bench.state_dir)
    of_another_boot(bench, paths.job(1))
    with capture_logs() as lines:
        async with bench.serving(WEB):
            assert await bench.submit() == 2
            await bench.ended(2)
    [line] = [line for line in lines if line["event"].endswith("was set aside")]
    assert (line["job"], line["environment"], line["pipeline"]) == (1, "one", "web")
    assert line["to"] == str(paths.aside(1, token))
    assert paths.aside(1, token).is_dir() and not paths.job(1).exists()
    assert runs(bench) == 2


async def test_a_reboot_answers_for_the_admin(bench: Bench) -> None:
    """It was held, and is of another boot by the next start."""
    token = await forget(bench)
    paths = Paths(bench.state_dir)
    async with bench.serving(WEB):
        await bench.submit()
    of_another_boot(bench, paths.job(1))
    async with bench.serving(WEB):
        await bench.ended(2)
    assert paths.aside(1, token).is_dir()


async def test_a_mark_that_is_missing(bench: Bench) -> None:
    """As an earlier release left it: its records tell the boot, and it may be anywhere."""
    await forget(bench)
    mark_file(Paths(bench.state_dir).job(1)).unlink()
    async with bench.serving(WEB) as engine:
        found = bench.all(ev.UnknownRunFound)
        assert [one.environment for one in found] == ["one", "two"]
        await engine.execute(judged(wait=True))
        await bench.happened(ev.UnknownRunSetAside, 2)
    assert Paths(bench.state_dir).aside(1, "").is_dir()


async def test_what_never_began_keeps_nobody_out(bench: Bench) -> None:
    """A directory without a mark, in which no process was started."""
    async with bench.serving(WEB):
        pass
    (Paths(bench.state_dir).job(5) / "work").mkdir(parents=True)
    async with bench.serving(WEB):
        assert await bench.submit() == 6
        await bench.ended(6)
    assert (Paths(bench.state_dir).aside(5, "") / "work").is_dir()


async def test_its_secrets_are_hidden_first(bench: Bench) -> None:
    async with bench.serving(WEB):
        pass
    paths, ref = Paths(bench.state_dir), StepRef(5, "go")
    paths.attempt(ref).mkdir(parents=True)
    paths.log(ref).write_text("the password is hunter22\n")
    mark = JobMark(5, "0a1b", "one", "web", ANOTHER_BOOT)
    mark_file(paths.job(5)).write_bytes(msgspec.json.encode(mark))
    kept = paths.secrets / "attempts" / "5~go~1.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(msgspec.json.encode(Kept(ref, SecretValues({"password": "hunter22"}))))
    async with bench.serving(WEB):
        pass
    log = paths.aside(5, "0a1b") / "steps" / "go" / "1" / "log"
    assert "hunter22" not in log.read_text()
    assert not kept.exists()


async def test_its_claims_are_still_judged(bench: Bench) -> None:
    """Else what it had locked would count as held for ever."""
    token = await forget(bench)
    host, paths = ProcessHost(bench.root / "another"), Paths(bench.state_dir)
    book = ClaimBook(bench.state_dir, host, read_boot_id(), lambda: 1000)
    await book.claim("a lock", StepRef(1, "go"), token, bench.attempt(1) / "processes")
    paths.all_aside.mkdir()
    paths.job(1).rename(paths.aside(1, token))
    [claim] = await book.claims("a lock")
    assert claim.dead
    paths.aside(1, token).rename(paths.all_aside / "1.another")
    [claim] = await book.claims("a lock")
    assert not claim.dead


async def test_an_open_job_whose_number_was_anothers(bench: Bench) -> None:
    """Its directory is that of a run that an earlier release had forgotten."""
    await forget(bench)
    waiting = pipeline("web", WEB.steps)
    async with bench.serving(waiting, capacity=0) as engine:
        assert await bench.submit() == 2
        token = (await engine.job(2)).token
    paths = Paths(bench.state_dir)
    theirs = paths.job(2) / "steps" / "go" / "1"
    theirs.mkdir(parents=True)
    mark = JobMark(2, "another", "one", "api", ANOTHER_BOOT)
    mark_file(paths.job(2)).write_bytes(msgspec.json.encode(mark))
    async with bench.serving(waiting) as engine:
        await engine.execute(judged(wait=False))
        assert (await bench.ended(2)).conclusion is JobConclusion.SUCCESS
    assert paths.aside(2, "another").is_dir()
    mine = read_mark(paths.job(2))
    assert mine is not None and mine.token == token
