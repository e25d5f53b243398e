"""Charts from a registry and from a repository: with a password, with TLS, with neither."""

import base64
import json
import shutil
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from helm_tests.helm_bench import HelmBench, Place, noting
from orchestrator.testing import Settings
from tests.testbed.kubernetes.bed import CHARTS
from tests.testbed.kubernetes.bed_registry import Registry, registry

pytestmark = [pytest.mark.kubernetes, pytest.mark.both_helms]

NAME, PASSWORD = "ada", "swordfish"
LOGIN = base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()


@pytest.fixture
def password(bench: HelmBench, tmp_path: Path) -> Path:
    """The secret of that name; the wrong one at first."""
    file = tmp_path / "password"
    file.touch(mode=0o600)
    file.write_text("swordfisk")
    bench.secrets["password"] = file
    return file


def push(place: Place, to: Registry) -> str:
    """The chart `cm`, and what it is called there.

    helm 3.17 speaks no TLS with a registry on loopback, but where it reads the list of versions.
    """
    if to.authority:
        place = Place(place.root, place.bed, place.namespace, 4)
    place.helm("package", "./cm", f"--destination={place.root}")
    config = place.root / "registry.json"
    config.write_text(json.dumps({"auths": {to.host: {"auth": LOGIN}}}))
    how = f"--ca-file={to.authority}" if to.authority else "--plain-http"
    chart = str(place.root / "cm-0.1.0.tgz")
    place.helm("push", chart, f"oci://{to.host}/charts", how, f"--registry-config={config}")
    return f"oci://{to.host}/charts/cm"


def refused(bench: HelmBench, settings: Settings) -> str:
    """Why the step failed, with nothing touched."""
    ended = bench.finished(bench.next(settings))
    assert ended["conclusion"] == "failure", ended
    assert not ended["dirty"], ended
    assert bench.material.history() == []
    reason: str = ended["steps"][0]["reason"]
    assert "swordfis" not in reason
    return reason


def deployed(bench: HelmBench, settings: Settings, chart: str = "cm") -> None:
    """The step succeeds."""
    job = bench.next(settings)
    assert bench.finished(job)["conclusion"] == "success", bench.log(job)
    assert bench.material.history()[-1].chart == f"{chart}-0.1.0"


def with_password(settings: Settings) -> dict[str, Any]:
    """The same, with a login."""
    return {**settings, "username": NAME, "password": {"secret": "password"}}


def test_a_registry_with_a_password(
    bench: HelmBench, tmp_path: Path, registry_program: Path, password: Path
) -> None:
    place = bench.material
    notes = tmp_path / "notes"
    helm = noting(tmp_path, place.bed.programs.helm(place.major))
    with registry(registry_program, tmp_path, login=f"{NAME}:{PASSWORD}") as there:
        settings = place.settings(chart=push(place, there), plain_http=True, binary=helm)
        first = bench.begin(settings)
        assert bench.finished(first)["steps"][0]["reason"].count("username: ") == 1
        wrong = refused(bench, with_password(settings))
        assert "password: " in wrong and "401" in wrong
        password.write_text(PASSWORD)
        deployed(bench, with_password(settings))
        deployed(bench, {**with_password(settings), "version": "0.1.0"})
    assert "upgrade" in notes.read_text()
    assert PASSWORD not in notes.read_text()
    for file in bench.process.state.rglob("*"):
        if file.is_file() and "secrets" not in file.parts:
            content = file.read_bytes()
            assert PASSWORD.encode() not in content and LOGIN.encode() not in content, file


def test_a_registry_with_tls(bench: HelmBench, tmp_path: Path, registry_program: Path) -> None:
    place = bench.material
    with registry(registry_program, tmp_path, tls=True) as there:
        settings = place.settings(chart=push(place, there))
        bench.finished(bench.begin(settings))
        assert "ca_file: " in refused(bench, settings)
        assert "ca_file: " in refused(bench, {**settings, "ca_file": "nothing.pem"})
        settings["ca_file"] = str(there.authority)
        if bench.material.major == 3:  # it asked for the versions; for why no more see `push`
            assert "manifests/0.1.0: 400 Bad Request" in refused(bench, settings)
        else:
            deployed(bench, settings)


def test_a_registry_without_tls(bench: HelmBench, tmp_path: Path, registry_program: Path) -> None:
    place = bench.material
    with registry(registry_program, tmp_path) as there:
        settings = place.settings(chart=push(place, there))
        bench.finished(bench.begin(settings))
        assert "plain_http: " in refused(bench, settings)
        settings["plain_http"] = True
        missing = refused(bench, {**settings, "chart": f"oci://{there.host}/charts/no"})
        assert "chart: " in missing and "404" in missing
        deployed(bench, settings)


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
def repository(directory: Path, issuer: trustme.CA) -> Iterator[str]:
    """Its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Guarded, directory=str(directory)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer.issue_cert("127.0.0.1").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_repository_with_a_password(bench: HelmBench, tmp_path: Path, password: Path) -> None:
    place = bench.material
    packages, authority, issuer = tmp_path / "packages", tmp_path / "ca.pem", trustme.CA()
    packages.mkdir()
    issuer.cert_pem.write_to_path(str(authority))
    renamed = shutil.copytree(CHARTS / "cm", tmp_path / "far")
    chart = renamed / "Chart.yaml"
    chart.write_text(chart.read_text().replace("name: cm", "name: far"))
    place.helm("package", str(renamed), f"--destination={packages}")
    place.helm("repo", "index", str(packages))
    with repository(packages, issuer) as url:
        settings = place.settings(chart="far", repo=url)
        bench.finished(bench.begin(settings))
        assert "ca_file: " in refused(bench, settings)
        assert "ca_file: " in refused(bench, with_password(settings))
        settings["ca_file"] = str(authority)
        assert "username: " in refused(bench, settings)
        wrong = refused(bench, with_password(settings))
        assert "password: " in wrong and "401" in wrong
        password.write_text(PASSWORD)
        deployed(bench, with_password(settings), "far")


def test_a_directory_is_no_chart(bench: HelmBench) -> None:
    """helm 3 takes what is nearer; helm 4 does not look there."""
    settings = bench.material.settings(chart="cm", repo="http://127.0.0.1:1/")
    bench.finished(bench.begin(settings))
    reason = refused(bench, settings)
    assert ("chart: " if bench.material.major == 3 else "repo: ") in reason
