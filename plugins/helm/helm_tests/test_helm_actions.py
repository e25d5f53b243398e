"""Actions beside the matrix."""

from pathlib import Path

import pytest

from helm_tests.helm_bench import HANGS, HelmBench, Place, noting

pytestmark = pytest.mark.kubernetes


@pytest.mark.both_helms
def test_a_killed_upgrade_that_dropped_something(bench: HelmBench) -> None:
    """helm 3.17 and 4.1 can't roll that back at once: what they refuse clears the pending state."""
    place = bench.material
    place.install()
    values = {"deployment": False, "hook": "pre-upgrade", "hookImage": HANGS}
    job = bench.begin(place.settings(values=values))
    place.until_hook()
    bench.kill_helm(job)
    ended = bench.finished(job)
    assert not ended["dirty"], bench.log(job)
    assert "pending" not in place.latest()
    after = bench.finished(bench.next(place.settings(values={"image": "ok:3"})))
    assert after["conclusion"] == "success", after["steps"]
    assert place.deployed_image() == "ok:3"


def test_tests_of_a_release(bench: HelmBench) -> None:
    place = bench.material
    place.install(test="ok:1")
    job = bench.begin(place.settings("test"))
    assert bench.finished(job)["conclusion"] == "success", bench.log(job)
    assert bench.step(job)["reason"] == "1 of 1 tests succeeded"
    place.upgrade(test="fail:1")
    job = bench.next(place.settings("test"))
    assert bench.finished(job)["conclusion"] == "failure"
    assert "web-test" in bench.step(job)["reason"]


def test_tests_that_are_stopped(bench: HelmBench) -> None:
    place = bench.material
    place.install(test=HANGS)
    job = bench.begin(place.settings("test"))
    place.until_hook()
    bench.cancel(job)
    ended = bench.finished(job)
    assert ended["conclusion"] == "cancelled", bench.log(job)
    assert not ended["dirty"], bench.log(job)
    assert bench.step(job)["reason"] == "stopped on request: 0 of 1 tests succeeded"
    assert place.latest() == "deployed"
    place.bed.wait_for_none(_pods_of_tests(place))


def _pods_of_tests(place: Place) -> str:
    return f"/api/v1/namespaces/{place.namespace}/pods?fieldSelector=metadata.name=web-test"


def test_a_status(bench: HelmBench) -> None:
    place = bench.material
    place.install()
    job = bench.begin(place.settings("status"))
    assert bench.finished(job)["conclusion"] == "success"
    assert bench.step(job)["outputs"]["status"] == "deployed"


def test_nothing_to_uninstall(bench: HelmBench) -> None:
    job = bench.begin(bench.material.settings("uninstall"))
    assert bench.finished(job)["conclusion"] == "success"
    assert bench.step(job)["reason"] == "there was no such release"


def test_what_helm_is_asked(bench: HelmBench, tmp_path: Path) -> None:
    """The release anew in each phase, and before and after the work; its version once."""
    programs = bench.material.bed.programs
    settings = bench.material.settings(
        binary=noting(tmp_path, programs.helm(bench.material.major)),
        values={"hook": "pre-install", "hookImage": "ok:1"},
    )
    job = bench.begin(settings)
    assert bench.finished(job)["conclusion"] == "success", bench.log(job)
    asked = [line.split()[1] for line in (tmp_path / "notes").read_text().splitlines()]
    assert asked == [
        *("version", "history"),  # check
        *("history", "upgrade"),  # acquire: a dry run
        *("history", "upgrade", "history"),
        "history",  # cleanup
    ]
