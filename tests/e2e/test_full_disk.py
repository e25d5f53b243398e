"""The state directory's disk is full: nothing new is taken, nothing that runs is hurt."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import needs
from tests.e2e.e2e_bench import WAITS, Installation, one_step, until

pytestmark = pytest.mark.slow


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Installation]:
    """An installation whose state lies on a small file system of its own."""
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=0700", "none", str(state)]
    subprocess.run(mount, check=True)
    try:
        with Installation(tmp_path) as installation:
            yield installation
    finally:
        subprocess.run(["umount", "--lazy", str(state)], check=True)


def fill(installation: Installation) -> Path:
    """Leave not one byte."""
    filler = installation.state / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return filler


@needs.ROOT
@needs.MOUNTS
def test_a_full_disk(small: Installation, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    small.write(
        {
            "environments/staging.toml": "",
            "environments/other.toml": "",
            "pipelines/stays.toml": one_step(WAITS, gate),
            "pipelines/good.toml": one_step("print('well')"),
        }
    )
    small.start()
    running = small.submit("stays", "staging")
    pid = small.at_work(running)
    filler = fill(small)

    def refused() -> subprocess.CompletedProcess[str] | None:
        done = small.run("submit", "good", "other")
        return done if done.returncode != 0 else None

    answer = until("a submission is refused", refused)
    assert answer is not None
    assert answer.returncode == 9
    assert "nothing was changed" in answer.stderr, answer
    assert small.running
    assert small.job(running)["phase"] == "running"
    assert small.at_work(running) == pid
    gate.touch()
    small.says("status")
    filler.unlink()
    assert small.finished(running)["conclusion"] == "success"
    assert small.run("submit", "good", "other", "--wait").returncode == 0
    accepted = {job["id"] for job in small.json("jobs")["jobs"]}
    assert all(small.finished(job)["conclusion"] == "success" for job in accepted)
