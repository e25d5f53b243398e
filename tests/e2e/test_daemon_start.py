"""Starting where something is in the way, and reloading what is broken."""

import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from orchestrator.testing.daemon_process import Child, DaemonDidNotStart, Launch
from tests.e2e.e2e_bench import WAITS, Installation, one_step

pytestmark = pytest.mark.slow

GOOD = one_step("print('as it was')")


@pytest.fixture
def served(installation: Installation) -> Installation:
    """A daemon with one pipeline."""
    installation.write({"environments/staging.toml": "", "pipelines/good.toml": GOOD})
    installation.start()
    return installation


def break_configuration(installation: Installation) -> None:
    (installation.directory / "pipelines" / "good.toml").write_text('kind = "deplyo"\n')


def serve(installation: Installation, *words: str) -> subprocess.CompletedProcess[str]:
    """`orchestrator serve`, which can't."""
    return installation.run("serve", "--config", str(installation.directory), *words)


def test_a_second_daemon_names_the_first(served: Installation) -> None:
    second = serve(served)
    assert second.returncode == 2
    assert str(served.pid) in second.stderr, second.stderr
    assert served.running
    served.says("status")


def test_a_socket_in_use_by_another(served: Installation, tmp_path: Path) -> None:
    with Installation(tmp_path / "other") as other:
        other.root.mkdir(exist_ok=True)
        other.write({"environments/staging.toml": ""})
        main = other.directory / "orchestrator.toml"
        main.write_text(f'state_dir = "{other.state}"\nsocket = "{served.socket}"\n')
        refused = serve(other)
    assert refused.returncode == 2
    assert str(served.socket) in refused.stderr
    served.says("status")


def test_a_socket_left_behind_is_taken(served: Installation) -> None:
    """A socket that a killed daemon left is taken."""
    served.kill()
    assert served.socket.exists()
    served.start()
    served.says("status")


def test_something_else_at_the_socket_is_left_alone(installation: Installation) -> None:
    installation.write({"environments/staging.toml": ""})
    installation.socket.write_text("precious")
    refused = serve(installation)
    assert refused.returncode == 2
    assert str(installation.socket) in refused.stderr
    assert installation.socket.read_text() == "precious"


def test_a_broken_configuration_falls_back(served: Installation) -> None:
    """A broken configuration falls back to the last good one."""
    served.stop()
    break_configuration(served)
    served.start()
    assert "deplyo" in served.log_tail()
    assert "as it was" in served.says("submit", "good", "staging", "--follow")
    assert "pipelines/good.toml:1" in served.says("status")


def test_strict_refuses_a_broken_configuration(served: Installation) -> None:
    served.stop()
    break_configuration(served)
    refused = serve(served, "--strict")
    assert refused.returncode == 2
    assert "pipelines/good.toml:1: kind:" in refused.stderr


def test_a_first_start_with_a_broken_configuration(installation: Installation) -> None:
    installation.write({"environments/staging.toml": "", "pipelines/good.toml": "kind = 1"})
    refused = serve(installation)
    assert refused.returncode == 2
    assert "pipelines/good.toml:1: kind:" in refused.stderr


def test_a_reload_with_mistakes_changes_nothing(served: Installation) -> None:
    break_configuration(served)
    refused = served.run("reload")
    assert refused.returncode == 2
    assert "pipelines/good.toml:1: kind:" in refused.stderr
    assert "as it was" in served.says("submit", "good", "staging", "--follow")
    text = GOOD.replace("as it was", "as it is")
    (served.directory / "pipelines" / "good.toml").write_text(text)
    served.says("reload")
    assert "as it is" in served.says("submit", "good", "staging", "--follow")


def test_a_job_keeps_its_definition(installation: Installation, tmp_path: Path) -> None:
    """A job keeps the definition that it was submitted with."""
    gate = tmp_path / "gate"
    installation.write(
        {
            "environments/staging.toml": "",
            "pipelines/good.toml": GOOD,
            "pipelines/stays.toml": one_step(WAITS, gate),
        }
    )
    installation.start()
    installation.submit("stays", "staging")
    waits = installation.submit("good", "staging")
    (installation.directory / "pipelines" / "good.toml").unlink()
    installation.says("reload")
    assert installation.run("submit", "good", "staging").returncode == 13
    gate.touch()
    assert installation.finished(waits)["conclusion"] == "success"
    assert "as it was" in installation.says("log", str(waits))


def test_a_state_directory_that_cannot_be_made(installation: Installation) -> None:
    installation.write({"environments/staging.toml": ""})
    installation.state.write_text("a file")
    refused = serve(installation)
    assert refused.returncode == 2, refused
    assert str(installation.state) in refused.stderr


def test_a_failed_start_says_so(installation: Installation) -> None:
    """A daemon that can't start says so to who waits."""
    installation.write({"environments/staging.toml": ""})
    (installation.directory / "orchestrator.toml").write_text("capacity = 0\n")
    with pytest.raises(DaemonDidNotStart) as failed:
        installation.start()
    assert failed.value.status == 2


def test_a_stop_by_signal_leaves_tools_at_work(installation: Installation, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    pipeline = one_step(WAITS, gate)
    installation.write({"environments/staging.toml": "", "pipelines/stays.toml": pipeline})
    installation.start()
    job = installation.submit("stays", "staging")
    pid = installation.at_work(job)
    assert installation.stop() == 0
    assert Path(f"/proc/{pid}").exists()
    installation.start()
    assert installation.at_work(job) == pid
    gate.touch()
    assert installation.finished(job)["conclusion"] == "success"


def test_a_socket_handed_over_by_systemd(installation: Installation) -> None:
    installation.write({"environments/staging.toml": ""})
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(installation.socket))
        listener.listen()
        installation.launcher = handing_over(listener)
        installation.start()
        installation.says("status")


def handing_over(listener: socket.socket) -> Launch:
    """sd_listen_fds(3): the socket as descriptor 3, and the pid of who may take it."""
    script = (
        'import os, sys\nos.dup2(int(sys.argv[1]), 3)\nos.environ.update(LISTEN_FDS="1", '
        "LISTEN_PID=str(os.getpid()))\n"
        "os.execv(sys.executable, [sys.executable, '-m', *sys.argv[2:]])"
    )

    def launch(module: str, arguments: Sequence[str], env: Mapping[str, str], log: Path) -> Child:
        number = str(listener.fileno())
        with log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-c", script, number, module, *arguments],
                env=env,
                stdout=output,
                stderr=output,
                pass_fds=[listener.fileno()],
            )

    return launch
