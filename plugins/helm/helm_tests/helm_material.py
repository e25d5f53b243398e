"""What the adapter suite needs for helm: real ones on a real cluster, told what to wait for."""

import shlex
import stat
from pathlib import Path
from typing import Any

from helm_tests.helm_bench import HANGS, RELEASE, Place
from orchestrator.testing import Settings
from tests.testbed.kubernetes.bed import Bed

WRAPPER = """#!/bin/sh
# helm, and what it is asked to begin
{before}
case "$*" in
  upgrade*--dry-run*) ;;
  upgrade*) echo run >> {root}/runs;;
esac
exec {helm} "$@"
"""
COUNTS = ""
LASTS = """if [ "$1" = history ] && [ -e {root}/runs ]; then
  # The first one after the upgrade is still of the apply.
  while [ -e {root}/asked ] && ! [ -e {root}/relent ]; do sleep 0.05; done
  touch {root}/asked
fi"""
GOES_AWAY = """if [ "$1" = history ] && [ -e {root}/runs ] && ! [ -e {root}/tidy ]; then
  echo 'Error: Kubernetes cluster unreachable' >&2
  exit 1
fi"""


class HelmMaterial(Place):
    """A release in a namespace of its own."""

    def __init__(self, root: Path, bed: Bed, namespace: str, major: int) -> None:
        super().__init__(root, bed, namespace, major)
        for name, before in {"counts": COUNTS, "lasts": LASTS, "goes-away": GOES_AWAY}.items():
            self._wrap(name, before)

    def _wrap(self, name: str, before: str) -> None:
        root, helm = shlex.quote(str(self.root)), self.bed.programs.helm(self.major)
        file = self.root / name
        text = before.format(root=root)
        file.write_text(WRAPPER.format(before=text, root=root, helm=shlex.quote(str(helm))))
        file.chmod(stat.S_IRWXU)

    def wrapped(self, name: str = "counts", **more: Any) -> Settings:
        """An upgrade by one of the wrappers."""
        return self.settings(binary=str(self.root / name), **more)

    def succeeding(self) -> Settings:
        return self.wrapped()

    def failing(self) -> Settings:
        return self.wrapped(values={"refuse": True})

    def working(self) -> Settings:
        return self.wrapped(values={"hook": "pre-install,pre-upgrade", "hookImage": HANGS})

    def stubborn(self) -> Settings:
        """It rolls back, to what is not ready."""
        self._have(image="never:1")
        return self.wrapped(values={"image": "never:2"}, rollback_on_failure=True)

    def blocked(self) -> Settings:
        """A helm of somebody else has died."""
        self._have()
        if self.latest() != "pending-upgrade":
            other = self.begin("upgrade", RELEASE, "./web", "--set=hook=pre-upgrade")
            self.until_hook()
            other.kill()
            other.wait()
            self.bed.release(self.namespace)  # its hook is none of ours
            self.until_hook_ended()
        return self.wrapped()

    def _have(self, **values: Any) -> None:
        if not self.history():  # the suite may ask for several settings
            self.install(**values)

    def lasting_cleanup(self) -> Settings:
        return self.wrapped("lasts")

    def dirty(self) -> Settings:
        """The cluster is not there any more."""
        return self.wrapped("goes-away")

    def relent(self) -> None:
        (self.root / "relent").touch()
        self.bed.release(self.namespace)

    def tidy(self) -> None:
        (self.root / "tidy").touch()

    @property
    def outputs(self) -> dict[str, object]:
        return {"revision": 1, "status": "deployed", "chart": "web-0.1.0", "previous": 0}

    @property
    def written_out(self) -> frozenset[str]:
        return frozenset({"action"})

    @property
    def lines(self) -> tuple[str, ...]:
        return ("STATUS: deployed",)

    def runs(self) -> int:
        path = self.root / "runs"
        return path.read_text().count("run\n") if path.exists() else 0

    def left(self) -> str:
        return ", ".join(f"job {name}" for name in self.running_jobs())
