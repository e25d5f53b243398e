"""The Spinnaker test bed does what the tests that use it rely on."""

import os
import select
import signal
import socket
from pathlib import Path

import httpx
import pytest

from tests.testbed.spinnaker.spinnaker_bed import PATIENCE_SECONDS, Bed, PrivateBed, stage_of
from tests.testbed.spinnaker.spinnaker_gate import Call, Gate
from tests.testbed.spinnaker.spinnaker_pipelines import judgment, parameter, pipeline, verdict, wait
from tests.testbed.spinnaker.spinnaker_users import ADA, BOB, EVE, GRACE, User, basic

pytestmark = pytest.mark.spinnaker


def test_a_pipeline_runs(spinnaker: Bed, gate: Gate) -> None:
    gate.configure(
        pipeline(
            "deploy",
            wait("bake", "${parameters.seconds}"),
            verdict("test", outputs={"url": "http://canary"}),
            parameterConfig=[parameter("seconds", "1")],
        )
    )
    id = gate.start_by_hand("deploy")
    done = spinnaker.wait_until_complete(id)
    assert done["status"] == "SUCCEEDED"
    assert done["trigger"]["user"] == done["authentication"]["user"] == "ada"
    assert done["trigger"]["parameters"] == {"seconds": "1"}
    assert done["pipelineConfigId"] == f"{gate.application}-deploy"
    assert stage_of(done, "test")["outputs"] == {"url": "http://canary"}
    assert [execution["id"] for execution in spinnaker.executions(gate.application)] == [id]
    assert [one.user for one in gate.asked(Call.TRIGGER)] == ["ada"]


def test_orca_writes_only_below_its_bed(spinnaker: Bed) -> None:
    """It is killed at its end, and never removes what it has in Java's temporary directory."""
    orca = Path("/proc", str(spinnaker.pids["orca"]))
    [given] = [
        word.removeprefix("-Djava.io.tmpdir=")
        for word in (orca / "cmdline").read_text().split("\0")
        if word.startswith("-Djava.io.tmpdir=")
    ]
    assert list(Path(given).glob("tomcat.*"))
    assert (Path(given).parent / "orca.port").exists()


def test_a_judgment_is_answered(spinnaker: Bed, gate: Gate) -> None:
    gate.configure(pipeline("deploy", judgment("ok?", ["yes", "no"], instructions="Look at it.")))
    id = gate.start_by_hand("deploy")
    stage = stage_of(spinnaker.wait_until_stage(id, "ok?", "RUNNING"), "ok?")
    assert stage["context"]["instructions"] == "Look at it."
    assert stage["context"]["judgmentInputs"] == [{"value": "yes"}, {"value": "no"}]
    answer = {"judgmentStatus": "continue", "judgmentInput": "yes"}
    with gate.client() as client:
        told = client.patch(f"/pipelines/{id}/stages/{stage['id']}", json=answer)
    assert told.status_code == 200
    judged = stage_of(spinnaker.wait_until_complete(id), "ok?")
    assert judged["status"] == "SUCCEEDED"
    assert judged["context"]["lastModifiedBy"] == "ada"
    assert judged["context"]["judgmentInput"] == "yes"


def test_a_stage_may_resist_a_cancel(spinnaker: Bed, gate: Gate) -> None:
    gate.configure(pipeline("deploy", verdict("stubborn", hold=True, stubborn=300)))
    id = gate.start_by_hand("deploy")
    spinnaker.wait_until_stage(id, "stubborn", "RUNNING")
    with gate.client() as client:
        assert client.put(f"/pipelines/{id}/cancel?reason=enough").content == b""
    canceled = spinnaker.wait_for(id, lambda one: one["canceled"])
    assert canceled["status"] == "RUNNING"
    assert (canceled["canceledBy"], canceled["cancellationReason"]) == ("ada", "enough")
    spinnaker.release(id, "stubborn")
    assert spinnaker.wait_until_complete(id)["status"] == "CANCELED"


@pytest.mark.parametrize(
    ("user", "status"),
    [
        pytest.param(ADA, 202, id="who may start"),
        pytest.param(BOB, 403, id="who may only read"),
        pytest.param(EVE, 403, id="who may do nothing"),
        pytest.param(GRACE, 302, id="whose login is not known"),
    ],
)
def test_who_may_start(gate: Gate, user: User, status: int) -> None:
    gate.configure(pipeline("deploy", verdict("test")))
    with gate.client(user) as client:
        told = client.post(f"/pipelines/{gate.application}/deploy", json={})
    assert told.status_code == status
    if status == httpx.codes.FOUND:
        assert told.headers["Location"] == f"{gate.url}/login"


def test_half_a_request_starts_nothing(spinnaker: Bed, gate: Gate) -> None:
    """Its client was killed between the head and the body."""
    gate.configure(pipeline("it", wait("short", 0)))
    with gate.client() as client:
        whole = client.build_request("POST", f"/pipelines/{gate.application}/it", json={})
    head = "".join(f"{name}: {value}\r\n" for name, value in whole.headers.items())
    head += f"Authorization: Basic {basic(ADA)}\r\n"
    with socket.create_connection((whole.url.host, whole.url.port or 80)) as connection:
        connection.sendall(f"POST {whole.url.path} HTTP/1.1\r\n{head}\r\n".encode())
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    assert gate.requests == []
    assert spinnaker.executions(gate.application) == []


def test_orca_is_stopped_and_started(private_spinnaker: PrivateBed) -> None:
    """Orca ends with its guardian, however that ends."""
    with Gate(private_spinnaker) as gate, gate.client() as client:
        gate.configure(pipeline("deploy", verdict("test", hold=True)))
        id = gate.start_by_hand("deploy")
        private_spinnaker.wait_until_stage(id, "test", "RUNNING")
        orca = os.pidfd_open(private_spinnaker.pids["orca"])
        os.kill(private_spinnaker.pids["guardian"], signal.SIGKILL)
        assert select.select([orca], [], [], PATIENCE_SECONDS)[0], "Orca outlives its guardian"
        os.close(orca)
        private_spinnaker.stop_orca()
        down = client.get(f"/pipelines/{id}")
        assert (down.status_code, down.json()["exception"].rpartition(".")[2]) == (
            500,
            "SpinnakerNetworkException",
        )
        private_spinnaker.start_orca()
        private_spinnaker.release(id, "test")
        assert private_spinnaker.wait_until_complete(id)["status"] == "SUCCEEDED"
        private_spinnaker.freeze()
        with pytest.raises(httpx.ReadTimeout):
            client.get(f"/pipelines/{id}", timeout=1)
        private_spinnaker.thaw()
        assert client.get(f"/pipelines/{id}").json()["status"] == "SUCCEEDED"
