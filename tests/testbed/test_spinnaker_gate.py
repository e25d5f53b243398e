"""The front answers as Gate does, knows who asks, and breaks as it is told."""

import base64
import json
import ssl
import threading
from collections.abc import Callable
from urllib.parse import quote

import httpx
import pytest

from tests.testbed.spinnaker.spinnaker_bed import Bed
from tests.testbed.spinnaker.spinnaker_gate import Call, Fault, Gate
from tests.testbed.spinnaker.spinnaker_pipelines import pipeline, verdict
from tests.testbed.spinnaker.spinnaker_users import ADA, BOB, GRACE, User

pytestmark = pytest.mark.spinnaker
UNKNOWN = "01BX5ZZKBKACTAV9WEVGEMMVRZ"


@pytest.fixture
def client(gate: Gate) -> httpx.Client:
    """Ada's, with a pipeline `deploy` that ends when it is released."""
    gate.configure(pipeline("deploy", verdict("test", hold=True)))
    return gate.client()


def trigger(correlation: str) -> dict[str, object]:
    return {"type": "manual", "parameters": {}, "correlationId": correlation}


def search(client: httpx.Client, application: str, correlation: str) -> list[str]:
    subset = base64.b64encode(json.dumps({"correlationId": correlation}).encode()).decode()
    path = f"/applications/{application}/executions/search"
    found = client.get(path, params={"trigger": subset}).raise_for_status().json()
    return [one["id"] for one in found]


def test_what_is_unknown_is_refused(gate: Gate, client: httpx.Client) -> None:
    app, id = gate.application, UNKNOWN
    assert client.get(f"/applications/{app}/pipelineConfigs/none").status_code == 404
    assert client.post(f"/pipelines/{app}/none", json={}).status_code == 404
    malformed = client.post(f"/pipelines/{app}/deploy", content=b"{")
    assert (malformed.status_code, malformed.content) == (400, b"")
    assert client.get(f"/pipelines/{id}").status_code == 404
    for change in ("cancel", "pause", "resume"):
        assert client.put(f"/pipelines/{id}/{change}").status_code == 404
    assert client.get("/executions", params={"executionIds": id}).json() == []
    assert client.delete(f"/pipelines/{id}").status_code == 404


def test_the_calls_of_an_execution(spinnaker: Bed, gate: Gate, client: httpx.Client) -> None:
    app = gate.application
    (config,) = client.get(f"/applications/{app}/pipelineConfigs").json()
    assert client.get(f"/applications/{app}/pipelineConfigs/deploy").json() == config
    correlation = f"{app}-1"
    started = client.post(f"/pipelines/{app}/deploy", json=trigger(correlation))
    assert started.status_code == 202
    id = started.json()["ref"].removeprefix("/pipelines/")
    again = client.post(f"/pipelines/{app}/{config['id']}", json=trigger(correlation))
    assert again.json() == started.json()  # while it is live
    assert search(client, app, correlation) == [id]
    running = spinnaker.wait_until_stage(id, "test", "RUNNING")
    assert client.get(f"/pipelines/{id}").json()["status"] == "RUNNING"
    for query in ({"pipelineConfigIds": config["id"]}, {"executionIds": id}):
        assert [one["id"] for one in client.get("/executions", params=query).json()] == [id]
    query = {"pipelineConfigIds": config["id"], "statuses": "SUCCEEDED,TERMINAL"}
    assert client.get("/executions", params=query).json() == []
    assert client.delete(f"/pipelines/{id}").status_code == 409
    assert client.patch(f"/pipelines/{id}/stages/none", json={}).status_code == 500
    paused = client.put(f"/pipelines/{id}/pause")
    assert (paused.status_code, paused.content) == (200, b"")
    # resumed before its stage is paused, that one stays so
    spinnaker.wait_until_stage(id, "test", "PAUSED")
    assert client.put(f"/pipelines/{id}/resume").status_code == 200
    spinnaker.wait_until_status(id, "RUNNING")
    spinnaker.release(id, "test")
    spinnaker.wait_until_complete(id)
    assert client.put(f"/pipelines/{id}/cancel", params={"reason": "late"}).status_code == 200
    late = spinnaker.wait_for(id, lambda one: one["canceled"])
    assert late["status"] == "SUCCEEDED"
    stage = running["stages"][0]["id"]
    assert client.put(f"/pipelines/{id}/stages/{stage}/restart", json={}).status_code == 200
    assert search(client, app, correlation) == [id]


def test_names_that_are_not_ascii(spinnaker: Bed, gate: Gate, client: httpx.Client) -> None:
    app, name = f"{gate.application}-ü", "Straße 50%/1?"
    gate.configure({**pipeline(name, verdict("Ende ✓")), "application": app})
    path = f"/pipelines/{quote(app)}/{quote(name, safe='')}"
    started = client.post(path, json=trigger(app))
    id = started.json()["ref"].removeprefix("/pipelines/")
    assert search(client, quote(app), app) == [id]
    spinnaker.wait_until_complete(id)


def bearer(gate: Gate, user: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {user.token}"}


def session(gate: Gate, user: User) -> dict[str, str]:
    form = {"username": user.name, "password": user.password}
    told = httpx.post(f"{gate.url}/login", data=form)
    assert told.status_code == 302
    assert told.headers["Location"] == f"{gate.url}/{'' if told.cookies else 'login?error'}"
    return {"Cookie": f"SESSION={told.cookies.get('SESSION', 'none')}"}


@pytest.mark.parametrize("credential", [bearer, session])
def test_credentials(gate: Gate, credential: Callable[[Gate, User], dict[str, str]]) -> None:
    for user in (ADA, BOB):
        told = httpx.get(f"{gate.url}/auth/user", headers=credential(gate, user))
        assert told.json()["username"] == user.name
    for headers in ({}, credential(gate, GRACE)):
        told = httpx.get(f"{gate.url}/auth/user", headers=headers)
        assert (told.status_code, told.headers["Location"]) == (302, f"{gate.url}/login")
    assert httpx.get(f"{gate.url}/health").json() == {"status": "UP"}


def test_sessions_expire(gate: Gate) -> None:
    headers = session(gate, ADA)
    assert httpx.get(f"{gate.url}/auth/user", headers=headers).status_code == 200
    gate.expire_sessions()
    assert httpx.get(f"{gate.url}/auth/user", headers=headers).status_code == 302


def test_certificates(secure_gate: Gate) -> None:
    authority = secure_gate.authority
    assert authority
    with secure_gate.client() as client:
        assert client.get("/auth/user").json()["username"] == "ada"
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"{secure_gate.url}/health")
    context = ssl.create_default_context(cafile=authority.ca)
    context.load_cert_chain(authority.certificate(BOB))
    told = httpx.get(f"{secure_gate.url}/auth/user", verify=context)
    assert told.json()["username"] == "bob"
    context.load_cert_chain(authority.certificate(BOB, foreign=True))
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{secure_gate.url}/auth/user", verify=context)


@pytest.mark.parametrize(
    ("fault", "seen", "started"),
    [
        (Fault.ORCA_DOWN, 500, 0),
        (Fault.GATE_429, 429, 0),
        (Fault.GATE_500, 500, 0),
        (Fault.GATE_502, 502, 0),
        (Fault.GATE_503, 503, 0),
        (Fault.LOGIN, 302, 0),
        (Fault.CUT_BEFORE, httpx.RemoteProtocolError, 0),
        (Fault.CUT_AFTER, httpx.RemoteProtocolError, 1),
        (Fault.TRUNCATED, httpx.RemoteProtocolError, 1),
        (Fault.NOT_JSON, 200, 1),
        (Fault.SLOW, 202, 1),
    ],
)
def test_a_fault(
    spinnaker: Bed,
    gate: Gate,
    client: httpx.Client,
    fault: Fault,
    seen: int | type[Exception],
    started: int,
) -> None:
    with gate.fault(fault, Call.TRIGGER, times=1, seconds=0.1):
        try:
            outcome: object = client.post(f"/pipelines/{gate.application}/deploy").status_code
        except httpx.TransportError as error:
            outcome = type(error)
        assert outcome == seen
        assert client.get(f"/applications/{gate.application}/pipelineConfigs").status_code == 200
        assert len(spinnaker.executions(gate.application)) == started
        gate.start_by_hand("deploy")  # the fault is spent
    assert [one.method for one in gate.asked(Call.TRIGGER)] == ["POST", "POST"]


@pytest.mark.parametrize(("fault", "before"), [(Fault.HUNG, 0), (Fault.ANSWER_HELD, 1)])
def test_a_hanging_call_is_done(
    spinnaker: Bed, gate: Gate, client: httpx.Client, fault: Fault, before: int
) -> None:
    """A call that hangs is done all the same."""
    ids: list[str] = []
    with gate.fault(fault, Call.TRIGGER):
        post = threading.Thread(target=lambda: ids.append(gate.start_by_hand("deploy")))
        post.start()
        gate.wait_for_requests(Call.TRIGGER)
        with pytest.raises(httpx.ReadTimeout):
            client.post(f"/pipelines/{gate.application}/deploy", timeout=0.5)
        assert not ids
        if before == 0:
            assert not spinnaker.executions(gate.application)
    post.join()
    assert ids[0] in [execution["id"] for execution in spinnaker.executions(gate.application)]


def test_a_fault_of_one_pipeline_spares_others(gate: Gate, client: httpx.Client) -> None:
    app = gate.application
    gate.configure(pipeline("other", verdict("test")))
    correlation = f"{app}-1"
    with gate.fault(Fault.GATE_503, about="deploy"), gate.fault(Fault.GATE_500, about=correlation):
        assert client.post(f"/pipelines/{app}/deploy", json={}).status_code == 503
        assert client.post(f"/pipelines/{app}/other", json={}).status_code == 202
        with pytest.raises(httpx.HTTPStatusError, match="500"):
            search(client, app, correlation)
        assert search(client, app, f"{app}-2") == []
    assert [one.parts[-1] for one in gate.asked(Call.TRIGGER, about="oth")] == ["other"]


def test_a_front_that_is_down(gate: Gate, client: httpx.Client) -> None:
    assert client.get("/auth/user").status_code == 200
    gate.down()
    with pytest.raises(httpx.TransportError):
        client.get("/auth/user")
    with pytest.raises(httpx.ConnectError):
        client.get("/auth/user")
    gate.up()
    assert client.get("/auth/user").status_code == 200


def test_what_a_front_started_ends_with_it(spinnaker: Bed) -> None:
    """Even what resists a cancel, is paused, or waits for others."""
    with Gate(spinnaker) as gate:
        gate.configure(
            pipeline("held", verdict("test", hold=True)),
            pipeline("stubborn", verdict("test", hold=True, stubborn=1000), limitConcurrent=True),
            {
                **pipeline("foreign", verdict("test", hold=True)),
                "application": f"{gate.application}2",
            },
        )
        paused, resisting = gate.start_by_hand("held"), gate.start_by_hand("stubborn")
        foreign = gate.start_by_hand("foreign", application=f"{gate.application}2")
        for id in (paused, resisting, foreign):
            spinnaker.wait_until_stage(id, "test", "RUNNING")
        waiting = gate.start_by_hand("stubborn")
        with gate.client() as client:
            client.put(f"/pipelines/{paused}/pause").raise_for_status()
            client.put(f"/pipelines/{resisting}/cancel").raise_for_status()
        spinnaker.wait_until_status(paused, "PAUSED")
        spinnaker.wait_for(resisting, lambda one: one["canceled"])
    for id in (paused, resisting, foreign, waiting):
        # What holds is let go before it is cancelled, and may have succeeded by then.
        assert spinnaker.wait_until_complete(id)["status"] in ("CANCELED", "SUCCEEDED")
