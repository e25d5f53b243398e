"""Every error as a problem document, and none with a traceback."""

import pytest
from litestar.exceptions import NotFoundException

from orchestrator.api.problems import Problems, of_http, of_rejection
from orchestrator.core.language import rejections as no
from orchestrator.core.language.words import Role
from orchestrator.engine.clock import SystemClock
from orchestrator.store.errors import CommitFailed, ReadFailed
from tests.api.api_bench import ApiBench


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (no.UnknownJob(7), 404),
        (no.UnknownPipeline("wbe", ["web"]), 404),
        (no.NotPermitted("no", Role.ADMIN, ("root",)), 403),
        (no.StopForbidden(7, "web", ("root",)), 403),
        (no.DeniedByPlugin("ada", "cancel", "job 7"), 403),
        (no.InvalidParameters("version: no"), 422),
        (no.NotInEnvironment("web", "prod", ("stage",)), 422),
        (no.MissingReason("waive"), 422),
        (no.JobAlreadyFinished(7, "success"), 409),
        (no.KeyReused("k", 7), 409),
        (no.EnvironmentRetired("prod"), 409),
        (no.NotDraining(), 409),
        (no.NothingToApprove("job 7", "running", "running"), 409),
        (no.AnsweredAlready(7, "ada", "verify"), 409),
        (no.ApprovedAlready("job 7", "ada", "one more"), 409),
        (no.StepNotNamed(7, ["a", "b"]), 409),
        (no.OwnJob("job 7", "ada"), 403),
        (no.UnknownStep(7, "verfy", ["verify"]), 404),
    ],
)
def test_a_rejection_has_its_status_and_its_kind(error: no.Rejection, status: int) -> None:
    found = of_rejection(error)
    assert (found.status, found.type, found.detail) == (status, error.kind, str(error))


def test_403_names_the_role_and_who_has_it() -> None:
    found = of_rejection(no.NotPermitted("no", Role.ADMIN, ("root", "@ops")))
    assert (found.role, found.holders) == ("admin", ("root", "@ops"))


def test_404_names_what_may_have_been_meant() -> None:
    assert of_rejection(no.UnknownPipeline("wbe", ["web", "app"])).near == ("web",)


def test_422_has_all_that_is_wrong() -> None:
    """422 has all that is wrong with the parameters."""
    assert of_rejection(no.InvalidParameters("several", ("a", "b"))).problems == ("a", "b")
    assert of_rejection(no.InvalidParameters("only this")).problems is None


def test_409_says_the_phase() -> None:
    assert of_rejection(no.JobAlreadyFinished(7, "success")).phase == "finished"


def test_a_full_disk_is_507() -> None:
    found = Problems(SystemClock()).of(CommitFailed("database or disk is full"), "POST /v1/jobs")
    assert (found.status, found.type) == (507, "commit-failed")
    assert "nothing was changed" in found.detail


def test_a_state_that_cannot_be_read_is_503() -> None:
    assert Problems(SystemClock()).of(ReadFailed("I/O error"), "GET /v1/jobs").status == 503


def test_what_nobody_expected_is_500() -> None:
    """What nobody expected is 500 under a reference, without its text."""
    problems = Problems(SystemClock())
    found = problems.of(RuntimeError("secret internals"), "GET /v1/jobs")
    other = problems.of(RuntimeError("secret internals"), "GET /v1/jobs")
    assert (found.status, found.type) == (500, "internal-error")
    assert found.reference and found.reference in found.detail
    assert found.reference != other.reference
    assert "secret internals" not in found.detail


def test_what_the_framework_refuses_has_its_words() -> None:
    assert of_http(NotFoundException()).type == "not-found"


async def test_mistakes_in_a_request_are_named(bench: ApiBench) -> None:
    async with bench.client() as client:
        for content, words in {
            b"{": "",
            b"[]": "object",
            b'{"pipeline":"web"}': "environment",
            b'{"pipeline":"web","environment":"prod","prio":1}': "prio",
            b'{"pipeline":"web","environment":"prod","priority":"high"}': "priority",
            b'{"pipeline":"web","environment":"prod","on_disconnect":"maybe"}': "on_disconnect",
        }.items():
            answer = await client.post("/v1/jobs", content=content)
            assert answer.status_code == 400, (content, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
            assert words in answer.json()["detail"], answer.text


async def test_what_is_not_known_is_refused_by_name(bench: ApiBench) -> None:
    async with bench.client() as client:
        query = await client.get("/v1/jobs?enviroment=prod")
        verb = await client.post("/v1/jobs/1/applaud", json={})
        path = await client.get("/v1/nothing")
        method = await client.delete("/v1/jobs/1")
        number = await client.get("/v1/jobs/first")
    assert query.status_code == 400
    assert "did you mean environment?" in query.json()["detail"]
    assert [one.status_code for one in (verb, path, method, number)] == [404, 404, 405, 404]
    for answer in (verb, path, method, number):
        assert answer.headers["content-type"] == "application/problem+json"


async def test_unfit_parameters_are_422(bench: ApiBench) -> None:
    """Parameters that do not fit are 422 with the file."""
    body = {"pipeline": "web", "environment": "prod", "params": {"version": "latest"}}
    found = await bench.post("/v1/jobs", body, status=422)
    assert found["type"] == "invalid-parameters"
    assert found["detail"].startswith('pipelines/web.toml: parameter version: "latest"')


async def test_an_error_of_ours_is_500(bench: ApiBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of ours is 500, and the daemon goes on."""

    async def broken(*_: object) -> None:
        raise RuntimeError("secret internals")

    with monkeypatch.context() as patch:
        patch.setattr(bench.engine.store, "jobs", broken, raising=False)
        async with bench.client() as client:
            answer = await client.get("/v1/jobs")
    assert answer.status_code == 500
    assert "secret internals" not in answer.text
    assert answer.json()["reference"]
    assert (await bench.get("/v1/jobs"))["jobs"] == []


async def test_the_openapi_document_has_every_route_and_shape(bench: ApiBench) -> None:
    document = await bench.get("/openapi.json")
    assert document["info"]["title"] == "Deploy Orchestrator"
    paths = set(document["paths"])
    assert {"/v1/jobs", "/v1/jobs/{job_id}", "/v1/environments/{name}/waive"} <= paths
    assert {"Job", "Environment", "Submission"} <= set(document["components"]["schemas"])
