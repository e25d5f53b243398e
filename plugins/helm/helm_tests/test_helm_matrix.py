"""Whatever befalls an operation: never a pending release, no hook of ours left, and on it goes."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from helm_tests.helm_bench import FAILS, HANGS, RELEASE, HelmBench, Place
from orchestrator.testing import Settings
from tests.testbed.kubernetes.bed import Bed

pytestmark = pytest.mark.kubernetes

HOOKS = {
    "install": "pre-install",
    "upgrade": "pre-upgrade",
    "rollback": "pre-rollback",
    "uninstall": "pre-delete",
}
SIGNALLED = ("install", "upgrade")
SHORT = "2s"


def prepared(place: Place, operation: str, hook_image: str = "") -> Settings:
    """A release on which the operation can be done; a step that does it, with a hook if wanted."""
    hook = {"hook": HOOKS[operation], "hookImage": hook_image} if hook_image else {}
    match operation:
        case "install":
            return place.settings(values={**hook})
        case "upgrade":
            place.install()
            return place.settings(values={**hook, "image": "ok:2", "extra": True})
        case "rollback":
            place.install(**hook)
            place.upgrade(image="ok:2")
            return place.settings("rollback")
        case _:
            place.install(**hook)
            return place.settings("uninstall")


def at_hook(bench: HelmBench, operation: str) -> int:
    """A job whose helm waits for a hook that hangs."""
    job = bench.begin(prepared(bench.material, operation, HANGS))
    bench.material.until_hook()
    return job


def expect_sound(bench: HelmBench, job: int, *conclusions: str) -> None:
    """It ended clean and so, with nothing pending or running, and a deploy succeeds."""
    place = bench.material
    ended = bench.finished(job)
    log = bench.log(job)
    assert not ended["dirty"], log
    assert ended["conclusion"] in conclusions, (ended["steps"], log)
    assert "pending" not in place.latest(), (place.history(), log)
    assert place.latest() != "uninstalling", log
    assert not place.running_jobs(), log
    after = bench.next(place.settings(values={"image": "ok:3"}, wait=False))
    ended = bench.finished(after)
    assert ended["conclusion"] == "success", (ended["steps"], bench.log(after))
    assert place.latest() == "deployed"
    assert place.deployed_image() == "ok:3"
    assert f"{RELEASE}-extra" not in place.bed.names(place.namespace, "configmaps")


def graceful(bench: HelmBench, operation: str) -> None:
    """A stop: helm gets a signal where it has a handler; else it is let go on."""
    job = at_hook(bench, operation)
    bench.cancel(job)
    bench.until_phase(job, "cancelling", "cleaning_up", "finished")
    if operation in SIGNALLED:
        expect_sound(bench, job, "cancelled")
        return
    waits = f"helm to end: {operation} can't be stopped half way"
    bench.until("that is told", lambda: bench.step(job)["waiting_for"] == waits)
    bench.watch()
    bench.material.bed.release(bench.material.namespace)
    expect_sound(bench, job, "success")
    assert f"{operation} can't be stopped half way: helm goes on, for 240 s" in bench.log(job)


def forced(bench: HelmBench, operation: str) -> None:
    """helm is killed while it stops."""
    job = at_hook(bench, operation)
    bench.cancel(job)
    bench.until_phase(job, "cancelling", "cleaning_up", "finished")
    if operation not in SIGNALLED:
        bench.cancel(job, force=True)
    expect_sound(bench, job, "cancelled")


def killed_helm(bench: HelmBench, operation: str) -> None:
    """kill -9 of helm."""
    job = at_hook(bench, operation)
    bench.kill_helm(job)
    expect_sound(bench, job, "failure")


def killed_daemon(bench: HelmBench, operation: str) -> None:
    """kill -9 of the daemon: the next one adopts the same helm, and has its right end."""
    job = at_hook(bench, operation)
    before = bench.step(job)["pid"]
    bench.restart()
    bench.until_phase(job, "applying")
    assert bench.step(job)["pid"] == before
    bench.material.bed.release(bench.material.namespace)
    expect_sound(bench, job, "success")


def killed_both(bench: HelmBench, operation: str) -> None:
    """kill -9 of both, the daemon first."""
    job = at_hook(bench, operation)
    helm = bench.step(job)["pid"]
    bench.process.kill()
    os.kill(helm, signal.SIGKILL)
    bench.start()
    expect_sound(bench, job, "failure")


def success(bench: HelmBench, operation: str) -> None:
    """Nothing befalls it."""
    job = bench.begin(prepared(bench.material, operation))
    expect_sound(bench, job, "success")


def failing(bench: HelmBench, operation: str) -> None:
    """A hook of the chart fails."""
    job = bench.begin(prepared(bench.material, operation, FAILS))
    expect_sound(bench, job, "failure")


def endless(bench: HelmBench, operation: str) -> None:
    """A hook never ends; helm gives up by itself."""
    job = bench.begin({**prepared(bench.material, operation, HANGS), "timeout": SHORT})
    expect_sound(bench, job, "failure")


EVENTS = (
    success,
    failing,
    endless,
    graceful,
    forced,
    killed_helm,
    killed_daemon,
    killed_both,
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """All of it in `make proof`. Otherwise each two values meet: as on a board of chess, where each
    row and each column has both colours, every operation and every event has both helms."""
    if "befalls" not in metafunc.fixturenames:
        return
    everything = metafunc.config.getoption("effort", "test") == "proof"
    rows = [
        pytest.param(operation, befalls, major, id=f"{befalls.__name__}-{operation}-helm{major}")
        for column, befalls in enumerate(EVENTS)
        for row, operation in enumerate(HOOKS)
        for colour, major in enumerate((3, 4))
        if everything or (row + column) % 2 == colour
    ]
    metafunc.parametrize(("operation", "befalls", "major"), rows)


@pytest.fixture
def place(tmp_path: Path, bed: Bed, namespace: str, major: int) -> Place:
    """With the helm of this row."""
    return Place(tmp_path, bed, namespace, major)


def test_matrix(
    bench: HelmBench, operation: str, befalls: Callable[[HelmBench, str], None]
) -> None:
    befalls(bench, operation)
