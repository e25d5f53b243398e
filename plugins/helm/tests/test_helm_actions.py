"""Actions beside the matrix, and charts from a repository that wants a password."""

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from helm_bench import HANGS, HelmBench, Place

pytestmark = pytest.mark.kubernetes

LOGIN = base64.b64encode(b"ada:swordfish").decode()


class Guarded(SimpleHTTPRequestHandler):
    """Files for those who know the password."""

    def do_GET(self) -> None:
        if self.headers.get("Authorization") == f"Basic {LOGIN}":
            super().do_GET()
        else:
            self.send_error(401)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def repository(directory: Path) -> Iterator[str]:
    """Its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Guarded, directory=str(directory)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_repository_with_a_password(bench: HelmBench, tmp_path: Path) -> None:
    place = bench.material
    packages = tmp_path / "packages"
    packages.mkdir()
    place.helm("package", "./cm", f"--destination={packages}")
    password = tmp_path / "password"
    password.touch(mode=0o600)
    password.write_text("swordfish")
    bench.secrets["password"] = password
    with repository(packages) as url:
        place.helm("repo", "index", str(packages))
        settings = place.settings(
            chart="cm", repo=url, username="ada", password={"secret": "password"}
        )
        job = bench.begin(settings)
        assert bench.finished(job)["conclusion"] == "success", bench.log(job)
        password.write_text("swordfisk")
        settings["release"] = "other"
        job = bench.next(settings)
        reason = bench.finished(job)["steps"][0]["reason"]
    assert "repo:" in reason
    assert "swordfis" not in reason + bench.log(job)


def test_a_killed_upgrade_that_dropped_something(bench: HelmBench) -> None:
    """helm 3.17 and 4.1 can't roll that back at once: what they refuse clears the pending state."""
    place = bench.material
    place.upgrade()
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
    place.upgrade(test="ok:1")
    job = bench.begin(place.settings("test"))
    assert bench.finished(job)["conclusion"] == "success", bench.log(job)
    assert bench.step(job)["reason"] == "1 of 1 tests succeeded"
    place.upgrade(test="fail:1")
    job = bench.next(place.settings("test"))
    assert bench.finished(job)["conclusion"] == "failure"
    assert "web-test" in bench.step(job)["reason"]


def test_tests_that_are_stopped(bench: HelmBench) -> None:
    place = bench.material
    place.upgrade(test=HANGS)
    job = bench.begin(place.settings("test"))
    place.until_hook()
    bench.cancel(job)
    ended = bench.finished(job)
    assert ended["conclusion"] == "cancelled", bench.log(job)
    assert not ended["dirty"], bench.log(job)
    assert place.latest() == "deployed"
    place.bed.wait_for_none(_pods_of_tests(place))


def _pods_of_tests(place: Place) -> str:
    return f"/api/v1/namespaces/{place.namespace}/pods?fieldSelector=metadata.name=web-test"


def test_a_status(bench: HelmBench) -> None:
    place = bench.material
    place.upgrade()
    job = bench.begin(place.settings("status"))
    assert bench.finished(job)["conclusion"] == "success"
    assert bench.step(job)["outputs"]["status"] == "deployed"


def test_nothing_to_uninstall(bench: HelmBench) -> None:
    job = bench.begin(bench.material.settings("uninstall"))
    assert bench.finished(job)["conclusion"] == "success"
    assert bench.step(job)["reason"] == "there was no such release"
