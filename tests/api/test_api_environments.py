"""Environments, pipelines, plugins and the daemon over the socket."""

from orchestrator.engine.engine import Reloaded
from tests import myself
from tests.api.api_bench import ApiBench
from tests.cli.cli_samples import defined


async def test_an_environment_shows_who_runs_waits_and_owes(bench: ApiBench) -> None:
    await bench.submit(pipeline="web", params={"version": "v1.0.0"})
    await bench.submit()
    await bench.gate.at_work(1)
    found = await bench.get("/v1/environments/prod")
    [debt] = found.pop("debts")
    assert found == {
        "name": "prod",
        "preparing": [],
        "running": [1],
        "queued": [2],
        "quarantine": None,
        "holds": [],
        "locks": [],
        "retired": False,
        "last": [],
        "unknown": [],
    }
    assert (debt["pipeline"], debt["for_job"], debt["locks"]) == ("web-cleanup", 1, [])


async def test_names_may_have_slashes(bench: ApiBench) -> None:
    assert (await bench.get("/v1/environments/team/stage"))["name"] == "team/stage"
    assert (await bench.get("/v1/environments/team%2Fstage"))["name"] == "team/stage"
    assert (await bench.get("/v1/pipelines/team/plain"))["name"] == "team/plain"
    problem = await bench.post("/v1/environments/team/stage/recheck", {}, status=409)
    assert problem["type"] == "not-quarantined"


async def test_a_line_break_is_no_slash(bench: ApiBench) -> None:
    await bench.get("/v1/environments/team%0Astage", status=404)
    await bench.get("/v1/pipelines/team%0Aplain", status=404)
    await bench.post("/v1/environments/team%0Astage/recheck", {}, status=404)


async def test_unknown_names_are_404_with_near_ones(bench: ApiBench) -> None:
    async with bench.client() as client:
        environment = await client.get("/v1/environments/prd")
        pipeline = await client.get("/v1/pipelines/team/plane")
    assert environment.status_code == pipeline.status_code == 404
    assert environment.headers["content-type"] == "application/problem+json"
    assert environment.json()["near"] == ["prod"]
    assert pipeline.json()["near"] == ["team/plain"]


async def test_a_quarantine_says_what_to_type(bench: ApiBench) -> None:
    """A quarantine says what was found and what to type."""
    bench.gate.open(1)
    await bench.submit(pipeline="dirty")
    assert (await bench.finished(1))["dirty"] is True
    quarantine = (await bench.get("/v1/environments/prod"))["quarantine"]
    assert (quarantine["job"], quarantine["step"]) == (1, "apply")
    assert quarantine["found"] == "lock 4711 is held"
    assert quarantine["commands"] == ["tool unlock 4711"]
    status = await bench.get("/v1/status")
    assert [one["name"] for one in status["quarantines"]] == ["prod"]
    missing = await bench.post("/v1/environments/prod/waive", {}, status=422)
    assert missing["type"] == "missing-reason"
    waived = await bench.post("/v1/environments/prod/waive", {"reason": "unlocked by hand"})
    assert (waived["quarantine"], waived["last"]) == (None, [1])


async def test_pipelines_are_shown_as_they_are_configured(bench: ApiBench) -> None:
    found = await bench.get("/v1/pipelines")
    names = [pipeline["name"] for pipeline in found["pipelines"]]
    assert names == sorted(names)
    web = await bench.get("/v1/pipelines/web")
    assert (web["kind"], web["cleanup"], web["environments"]) == ("deploy", "web-cleanup", None)
    assert web["params"][0]["pattern"] == r"v\d+\.\d+\.\d+"
    assert web["steps"][1] == defined("smoke", "apply", uses="gate", touches=True)
    assert web["stop"]["applying"] == "submitters"


async def test_plugins_are_shown_the_broken_ones_too(bench: ApiBench) -> None:
    assert (await bench.get("/v1/plugins"))["plugins"] == [
        {"name": "gates", "version": "1.0", "adapters": ["gate"], "problem": None, "api": None},
        {
            "name": "sad",
            "version": None,
            "adapters": [],
            "problem": "could not be loaded: ImportError: no module",
            "api": None,
        },
    ]


async def test_status_is_one_screen(bench: ApiBench) -> None:
    await bench.submit(pipeline="web", params={"version": "v1.0.0"})
    await bench.submit()
    await bench.gate.at_work(1)
    status = await bench.get("/v1/status")
    daemon = status["daemon"]
    assert (daemon["capacity"], daemon["in_use"], daemon["draining"]) == (8, 1, None)
    assert daemon["state_dir"] == str(bench.root)
    assert [job["id"] for job in status["running"]] == [1]
    assert status["running"][0]["steps"][0]["phase"] == "applying"
    assert [job["id"] for job in status["queued"]] == [2]
    assert status["queued"][0]["blockers"]
    assert [debt["environment"] for debt in status["debts"]] == ["prod"]


async def test_drain_and_resume_answer_with_the_status(bench: ApiBench) -> None:
    drained = await bench.post("/v1/daemon/drain", {"reason": "upgrade"})
    assert drained["daemon"]["draining"]["by"]["user"] == myself.NAME
    assert drained["daemon"]["draining"]["reason"] == "upgrade"
    assert (await bench.post("/v1/daemon/resume", {}))["daemon"]["draining"] is None
    assert (await bench.post("/v1/daemon/resume", status=409))["type"] == "not-draining"


async def test_a_reload_with_mistakes_names_every_one(bench: ApiBench) -> None:
    assert (await bench.post("/v1/daemon/reload", {}))["daemon"]
    mistakes = ("a.toml:1: x: no", "b.toml:2: y: no")
    bench.home.next_reload = Reloaded(changed=False, mistakes=mistakes)
    problem = await bench.post("/v1/daemon/reload", {}, status=422)
    assert problem["type"] == "invalid-configuration"
    assert problem["problems"] == list(mistakes)


async def test_a_recheck_is_shown_and_stopped(bench: ApiBench) -> None:
    """It waits while something runs, says for what, and is over when it was stopped."""
    bench.gate.open(1)
    await bench.submit(pipeline="dirty")
    assert (await bench.finished(1))["dirty"] is True
    looked = await bench.post("/v1/environments/prod/recheck", {})
    assert looked["quarantine"]["recheck"]["id"] == "prod/recheck-1"
    for action in ("cancel", "force-cancel"):
        path = f"/v1/environments/prod/{action}-recheck"
        gone = await bench.post(path, {"number": 7}, status=409)
        assert gone["type"] == "no-recheck"
        await bench.post(path, {}, status=400)
