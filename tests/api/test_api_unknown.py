"""Runs that the journal does not know: who sees them, and who says what they are."""

from pathlib import Path

import msgspec

from orchestrator.engine.attempt.mark import JobMark, mark_file
from orchestrator.engine.paths import Paths
from orchestrator.process.identity import read_boot_id
from tests.api.api_bench import open_bench


async def test_unknown_run_from_start_to_end(tmp_path: Path) -> None:
    async with open_bench(tmp_path):
        pass
    directory = Paths(tmp_path).job(7)
    directory.mkdir(parents=True)
    mark = JobMark(7, "0a1b", "prod", "web", read_boot_id())
    mark_file(directory).write_bytes(msgspec.json.encode(mark))
    async with open_bench(tmp_path) as bench:
        [run] = (await bench.get("/v1/unknown"))["runs"]
        assert (run["job"], run["pipeline"], run["environments"]) == (7, "web", ["prod"])
        assert (run["directory"], run["pids"]) == (str(directory), [])
        assert (await bench.get("/v1/status"))["unknown"] == [run]
        assert (await bench.get("/v1/environments/prod"))["unknown"] == [7]
        await bench.submit()
        [blocker] = (await bench.get("/v1/jobs/8/explain"))["blockers"]
        assert (blocker["type"], blocker["id"]) == ("unknown", "7")
        dead = {"verdict": "dead"}
        missing = await bench.post("/v1/unknown/7", dead, status=422)
        assert missing["type"] == "missing-reason"
        nothing = await bench.post("/v1/unknown/9", dead | {"reason": "x"}, status=404)
        assert nothing["type"] == "no-unknown-run"
        wrong = await bench.post("/v1/unknown/7", {"verdict": "asleep", "reason": "x"}, status=400)
        assert wrong["type"] == "invalid-request"
        await bench.post("/v1/unknown/7", dead | {"reason": "looked at it"})
        bench.gate.open(8)
        await bench.finished(8)
        assert (await bench.get("/v1/unknown"))["runs"] == []
