"""Clients that wait, are interrupted, die, or outlive their daemon."""

import signal
import threading
from pathlib import Path

import pytest

from tests.e2e.e2e_bench import WAITS, Installation, one_step, until

pytestmark = pytest.mark.slow

FORBIDDEN = 'stop = "nobody"\n'


@pytest.fixture
def waiting(installation: Installation, tmp_path: Path) -> Installation:
    """`stays` ends when `tmp_path / "gate"` appears; `firm` may not be stopped."""
    gate = tmp_path / "gate"
    installation.write(
        {
            "environments/staging.toml": "",
            "pipelines/stays.toml": one_step(WAITS, gate),
            "pipelines/firm.toml": one_step(WAITS, gate, top=FORBIDDEN),
        }
    )
    installation.start()
    return installation


def job_of(installation: Installation) -> int:
    """The job that a client just submitted, when its tool runs."""
    jobs = until("a job is queued", lambda: installation.client.get("/v1/jobs")["jobs"])
    job: int = jobs[0]["id"]
    installation.at_work(job)
    return job


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_client_cancels_and_waits(waiting: Installation, number: int) -> None:
    client = waiting.spawn("submit", "stays", "staging", "--wait")
    job = job_of(waiting)
    client.send_signal(number)
    _, said = client.communicate(timeout=60)
    assert client.returncode == 4, said
    assert waiting.job(job)["conclusion"] == "cancelled"


def test_an_interrupted_client_may_detach(waiting: Installation, tmp_path: Path) -> None:
    """An interrupted client detaches if it was told to."""
    words = ("submit", "stays", "staging", "--wait", "--on-interrupt", "detach")
    client = waiting.spawn(*words)
    job = job_of(waiting)
    client.send_signal(signal.SIGINT)
    _, said = client.communicate(timeout=60)
    assert client.returncode == 12, said
    assert f"{job}" in said
    (tmp_path / "gate").touch()
    assert waiting.finished(job)["conclusion"] == "success"


def test_where_nobody_may_stop_an_interrupt_detaches(waiting: Installation, tmp_path: Path) -> None:
    waiting_for_ever = waiting.spawn("submit", "firm", "staging", "--wait")
    job = job_of(waiting)
    waiting_for_ever.send_signal(signal.SIGINT)
    _, said = waiting_for_ever.communicate(timeout=60)
    assert waiting_for_ever.returncode == 12, said
    assert waiting.job(job)["phase"] == "running"
    (tmp_path / "gate").touch()
    assert waiting.finished(job)["conclusion"] == "success"


def test_a_killed_client_keeps_its_job(waiting: Installation, tmp_path: Path) -> None:
    client = waiting.spawn("submit", "stays", "staging", "--wait")
    job = job_of(waiting)
    client.kill()
    client.communicate()
    (tmp_path / "gate").touch()
    assert waiting.finished(job)["conclusion"] == "success"


def test_a_killed_client_cancels_its_job(waiting: Installation) -> None:
    """A killed client that wanted it cancels its job."""
    client = waiting.spawn("submit", "stays", "staging", "--wait", "--on-disconnect", "cancel")
    job = job_of(waiting)
    client.kill()
    client.communicate()
    ended = waiting.finished(job)
    assert ended["conclusion"] == "cancelled"
    assert ended["cancel"]["by"] is None or ended["cancel"]["by"]["user"]


def test_a_restarted_daemon_is_no_disconnect(waiting: Installation, tmp_path: Path) -> None:
    client = waiting.spawn("submit", "stays", "staging", "--wait", "--on-disconnect", "cancel")
    job = job_of(waiting)
    for _ in range(2):
        waiting.kill()
        waiting.start()
        until("the client is back", lambda: watchers(waiting, client.pid))
    (tmp_path / "gate").touch()
    _, said = client.communicate(timeout=60)
    assert client.returncode == 0, said
    assert waiting.job(job)["cancel"] is None


def watchers(installation: Installation, pid: int) -> bool:
    """Whether the client holds a connection: one socket more than its standard streams."""
    targets = [link.readlink() for link in Path(f"/proc/{pid}/fd").iterdir()]
    return any(str(target).startswith("socket:") for target in targets)


def test_a_client_follows_over_a_restart(installation: Installation, tmp_path: Path) -> None:
    """A client follows over a restart, and sees each line once."""
    code = "for n in range(60): print('line', n, flush=True); time.sleep(0.05)"
    installation.write(
        {"environments/staging.toml": "", "pipelines/talks.toml": one_step(code)},
    )
    installation.start()
    client = installation.spawn("submit", "talks", "staging", "--follow")
    said: list[str] = []

    def listen() -> None:
        said.append(client.communicate(timeout=120)[0])

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    job_of(installation)
    installation.kill()
    installation.start()
    listener.join()
    assert client.returncode == 0
    lines = [line for line in said[0].splitlines() if line.strip().startswith("line ")]
    assert [line.split()[-1] for line in lines] == [str(number) for number in range(60)]


def test_no_daemon(installation: Installation) -> None:
    refused = installation.run("submit", "web", "staging")
    assert refused.returncode == 5
    assert "orchestrator serve" in refused.stderr
