"""A journal that goes back while the directories of its jobs stay."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.e2e_bench import WAITS, Installation, one_step

pytestmark = pytest.mark.slow

Back = Callable[[], None]


@pytest.fixture
def served(installation: Installation, tmp_path: Path) -> Installation:
    """Its one pipeline appends what it was given to a file."""
    say = "open(sys.argv[1], 'a').write(sys.argv[2] + '\\n')"
    deploy = one_step(say, tmp_path / "ran", "${params.v}", top="[params.v]\n")
    waits = one_step(WAITS, tmp_path / "go")
    pipelines = {"pipelines/deploy.toml": deploy, "pipelines/waits.toml": waits}
    installation.write({"environments/staging.toml": "", **pipelines})
    installation.start()
    return installation


def backup_restored(installation: Installation) -> Back:
    """As docs/operating.md says, with a daemon that is stopped."""
    backup = installation.root / "backup.db"
    with (
        closing(sqlite3.connect(installation.state / "state.db")) as source,
        closing(sqlite3.connect(backup)) as target,
    ):
        source.backup(target)

    def back() -> None:
        installation.stop()
        for path in installation.state.glob("state.db*"):
            path.unlink()
        (installation.state / "state.db").write_bytes(backup.read_bytes())
        (installation.state / "state.db").chmod(0o600)

    return back


def log_without_its_tail(installation: Installation) -> Back:
    """A disk that lied, or a copy that was made too early."""
    log = installation.state / "state.db-wal"
    size = log.stat().st_size

    def back() -> None:
        installation.kill()
        with log.open("r+b") as file:
            file.truncate(size)
        (installation.state / "state.db-shm").unlink(missing_ok=True)

    return back


@pytest.mark.parametrize("way", [backup_restored, log_without_its_tail])
def test_a_lost_job_lends_nobody_its_success(
    served: Installation, way: Callable[[Installation], Back]
) -> None:
    """What it left stays its own, and is judged before anything starts beside it."""
    ran = served.root / "ran"
    served.finished(served.submit("deploy", "staging", "-p", "v=one"))
    go_back = way(served)
    lost = served.submit("deploy", "staging", "-p", "v=two")
    served.finished(lost)
    go_back()
    served.start()
    third = served.submit("deploy", "staging", "-p", "v=three")
    assert (lost, third) == (2, 3)
    assert "job 2, which the journal does not know" in served.says("explain", "3")
    assert "job 2 (deploy) may be at work in staging" in served.says("status")
    served.says("unknown", "2", "--dead", "--reason", "ps shows nothing of it")
    assert served.finished(third)["conclusion"] == "success"
    assert ran.read_text().split() == ["one", "two", "three"]
    assert served.json("unknown") == {"runs": []}
    [aside] = (served.state / "aside").iterdir()
    assert aside.name.startswith("2.")


@pytest.mark.parametrize("way", [backup_restored, log_without_its_tail])
def test_a_lost_jobs_tool_is_waited_for(
    served: Installation, way: Callable[[Installation], Back]
) -> None:
    served.finished(served.submit("deploy", "staging", "-p", "v=one"))
    go_back = way(served)
    pid = served.at_work(served.submit("waits", "staging"))
    go_back()
    served.start()
    third = served.submit("deploy", "staging", "-p", "v=three")
    assert served.json("unknown")["runs"][0]["pids"] == [pid]
    served.says("unknown", "2", "--wait", "--reason", "its tool is at work")
    assert served.job(third)["phase"] == "queued"
    (served.root / "go").touch()
    assert served.finished(third)["conclusion"] == "success"
