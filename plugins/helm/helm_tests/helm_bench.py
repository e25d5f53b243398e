"""The adapter under a real daemon, on releases of a real cluster."""

import json
import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from orchestrator_helm.adapter import HelmAdapter

from orchestrator.testing import Material, Settings
from orchestrator.testing.daemon_zygote import Zygote
from orchestrator.testing.suite_bench import AdapterBench, open_adapter_bench
from tests.testbed.kubernetes import bed_releases
from tests.testbed.kubernetes.bed import CHARTS, Bed
from tests.testbed.kubernetes.bed_releases import Revision

RELEASE = "web"
PATIENCE = 120.0
HANGS = "hook:1"
FAILS = "fail:1"
SPARING = {"GOGC": "400"}
"""Of helm and kubectl, which live for a moment: a fifth less CPU, for more memory."""


NOTING = """#!/bin/sh
echo "${{0##*/}} $*" >> {notes}
exec {program} "$@"
"""


def noting(root: Path, program: Path) -> str:
    """The program; what it is asked is written to the file `notes`."""
    wrapper = root / f"noting-{program.name}"
    wrapper.write_text(NOTING.format(notes=root / "notes", program=program))
    wrapper.chmod(0o700)
    return str(wrapper)


class Place(Material):
    """One release in a namespace of its own, with one helm."""

    def __init__(self, root: Path, bed: Bed, namespace: str, major: int) -> None:
        super().__init__(root)
        self.bed = bed
        self.namespace = namespace
        self.major = major

    @property
    def source(self) -> Path:
        return CHARTS

    @property
    def env(self) -> dict[str, str]:
        return SPARING

    def settings(self, action: str = "upgrade", **more: Any) -> Settings:
        """Of a step; `values` are those of the chart `web`."""
        programs = self.bed.programs
        chart = {"chart": "./web"} if action in ("upgrade", "diff") else {}
        return {
            "action": action,
            "release": RELEASE,
            "namespace": self.namespace,
            "kubeconfig": str(self.bed.kubeconfig),
            "binary": str(programs.helm(self.major)),
            "kubectl": str(programs.kubectl),
            "timeout": "60s",
            **chart,
            **more,
        }

    def succeeding(self) -> Settings:
        return self.settings()

    def failing(self) -> Settings:
        return self.settings(values={"refuse": True})

    def working(self) -> Settings:
        return self.settings(values={"hook": "pre-install,pre-upgrade"})

    def runs(self) -> int:
        return len(self.history())

    def stops(self, log: str) -> int | None:
        return log.count("has been cancelled")

    # --- by hand -----------------------------------------------------------------------------

    def helm(self, *arguments: str) -> str:
        """What helm prints. It must succeed."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """helm as a person runs it."""
        return subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            cwd=CHARTS,
            env=os.environ | SPARING,
            timeout=PATIENCE,
        )

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A helm of somebody else, which goes on."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=CHARTS,
            env=os.environ | SPARING,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def command(self, *arguments: str) -> list[str]:
        """helm for this namespace."""
        given = [f"--kubeconfig={self.bed.kubeconfig}", f"--namespace={self.namespace}"]
        return [str(self.bed.programs.helm(self.major)), *arguments, *given]

    def install(self, **values: Any) -> None:
        """The first revision: a copy of what helm has made once with these values."""
        bed_releases.put(self.bed, self.namespace, _original(self.bed, self.major, _set(values)))

    def upgrade(self, **values: Any) -> None:
        """A revision made by hand."""
        self.helm("upgrade", "--install", RELEASE, "./web", *_set(values))

    def history(self) -> list[Revision]:
        """All revisions."""
        return bed_releases.revisions(self.bed, self.namespace, RELEASE)

    def statuses(self) -> list[str]:
        """Of all revisions, the oldest first."""
        return [revision.status for revision in self.history()]

    def until_status(self, status: str) -> None:
        """Return when a revision has this status."""
        bed_releases.await_status(self.bed, self.namespace, RELEASE, status)

    def latest(self) -> str:
        """The status that counts; empty where there is no release."""
        return (self.statuses() or [""])[-1]

    def running_jobs(self) -> list[str]:
        """Names of jobs that have not ended: those of hooks."""
        found = self.bed.get(f"/apis/batch/v1/namespaces/{self.namespace}/jobs") or {}
        return [
            job["metadata"]["name"] for job in found["items"] if not job["status"].get("conditions")
        ]

    def until_hook(self) -> None:
        """Return when the hook's pod runs and hangs."""
        self.bed.wait_for_pod(self.namespace, HANGS)

    def until_hook_ended(self) -> None:
        """Return when the hook's job is said to have ended, a moment after its pod has."""
        jobs = f"/apis/batch/v1/namespaces/{self.namespace}/jobs"
        self.bed.wait_for(jobs, lambda job: bool(job["status"].get("conditions")))

    def deployed_image(self) -> str:
        """What the one deployment runs."""
        path = f"/apis/apps/v1/namespaces/{self.namespace}/deployments/{RELEASE}"
        found = self.bed.get(path)
        if found is None:
            return ""
        image: str = found["spec"]["template"]["spec"]["containers"][0]["image"]
        return image


def _set(values: dict[str, Any]) -> tuple[str, ...]:
    return tuple(f"--set-json={name}={json.dumps(value)}" for name, value in values.items())


@cache
def _original(bed: Bed, major: int, values: tuple[str, ...]) -> bed_releases.Original:
    place = Place(Path(), bed, bed.create_namespace(), major)
    place.helm("install", RELEASE, "./web", *values)
    return bed_releases.take(bed, place.namespace, RELEASE)


class HelmBench(AdapterBench):
    """Its daemon, and what the tests do to it."""

    material: Place
    secrets: dict[str, Path]

    def configure(self, settings: Settings, *, timeout: str = "") -> None:
        """One pipeline, with one step that has these settings, and the secrets."""
        super().configure(settings, timeout=timeout)
        lines = [f'[secrets.{name}]\nfile = "{file}"\n' for name, file in self.secrets.items()]
        self.process.write({}, "".join(lines))

    def kill_helm(self, job: int) -> None:
        """As the kernel does it when memory is short."""
        os.kill(self.step(job)["pid"], signal.SIGKILL)

    def next(self, settings: Settings) -> int:
        """Another job, whose step has other settings."""
        self.configure(settings)
        self.post("/v1/daemon/reload")
        return self.submit(key=secrets.token_hex(8))


@contextmanager
def open_helm_bench(root: Path, place: Place, zygote: Zygote) -> Iterator[HelmBench]:
    """A bench for a place that is there already."""
    with open_adapter_bench(root, HelmAdapter, lambda _: place, PATIENCE, zygote.launch) as bench:
        bench.__class__ = HelmBench
        assert isinstance(bench, HelmBench)
        bench.secrets = {}
        yield bench
