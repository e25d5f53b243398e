"""Builds the programs of the Kubernetes test bed, once, into the user's cache directory.

`python bed_build.py`, which `make testbed` runs, shows how it goes on. Standard library only.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.testbed.common import bed_cache
from tests.testbed.common.bed_cache import BuildError, Report, is_complete

__all__ = ["BuildError", "Part", "build", "is_complete", "location", "why_no_go"]

SERVER = Path(__file__).parent / "server"
"""The Go module that pins all programs but helm, by version and checksum."""
OLDEST_GO = (1, 25)


@dataclass(frozen=True)
class Part:
    """One program: how it is built and what proves that it is the right one."""

    program: str
    """Its name in the cache."""
    go: tuple[str, ...]
    """The arguments of `go`, which leaves one program in $GOBIN."""
    proof: tuple[str, ...]
    """Arguments of the program that make it print its version."""
    version: str


def _kubernetes() -> str:
    found = re.search(r"k8s\.io/kubernetes v(\S+)", (SERVER / "go.mod").read_text())
    assert found, "server/go.mod requires k8s.io/kubernetes"
    return found[1]


def _upstream(program: str, *proof: str, version: str) -> Part:
    major, minor, _ = version.split(".")
    package = "k8s.io/component-base/version"
    stamp = f"-X {package}.gitVersion=v{version} -X {package}.gitMajor={major}"
    flags = f"-ldflags=-s -w {stamp} -X {package}.gitMinor={minor}"
    return Part(program, ("install", "-trimpath", flags, f"./{program}"), proof, version)


def _helm(version: str) -> Part:
    """Helm as released: built with the dependencies of its own module."""
    major = version.partition(".")[0]
    module = f"helm.sh/helm/v{major}"
    flags = f"-ldflags=-s -w -X {module}/internal/version.version=v{version}"
    source = f"{module}/cmd/helm@v{version}"
    return Part(f"helm{major}", ("install", "-trimpath", flags, source), ("version",), version)


KUBERNETES = _kubernetes()
PARTS = (
    _upstream("kube-apiserver", "--version", version=KUBERNETES),
    _upstream("kube-controller-manager", "--version", version=KUBERNETES),
    _upstream("kubectl", "version", "--client", version=KUBERNETES),
    Part("etcd", ("install", "-trimpath", "-ldflags=-s -w", "./etcd"), ("--version",), "3.6"),
    _helm("3.17.3"),
    _helm("4.1.4"),
)


def location(parts: Sequence[Part] = PARTS, source: Path = SERVER) -> Path:
    """The directory of exactly these programs; another version has another."""
    return bed_cache.location(f"kubernetes-{KUBERNETES}", source, parts)


def why_no_go() -> str | None:
    """None where Go can build the bed, else a sentence for whoever misses it."""
    wanted = f"Go {'.'.join(map(str, OLDEST_GO))} or newer on PATH"
    if shutil.which("go") is None:
        return wanted
    # Inside the module, where Go may switch to the toolchain that the module asks for.
    asked = subprocess.run(["go", "version"], cwd=SERVER, capture_output=True, text=True)
    found = re.search(r"go(\d+)\.(\d+)", asked.stdout)
    if asked.returncode == 0 and found and (int(found[1]), int(found[2])) >= OLDEST_GO:
        return None
    return f"{wanted}; {(asked.stdout + asked.stderr).strip()!r} is what it says now"


def build(report: Report, parts: Sequence[Part] = PARTS, source: Path = SERVER) -> Path:
    """Build what is missing and return the complete directory, as `bed_cache.build` does.

    Raises:
        BuildError: Go failed, or built something that is not what was asked for.
    """

    def make(building: Path) -> None:
        for number, part in enumerate(parts, 1):
            report(f"[{number}/{len(parts)}] {part.program} {part.version}")
            _build_one(building, part, source, report)

    return bed_cache.build(location(parts, source), make, report)


def _build_one(building: Path, part: Part, source: Path, report: Report) -> None:
    """Build, prove and put in place one program."""
    out, work = building / "out", building / "work"
    work.mkdir()
    verb, *arguments = part.go
    bed_cache.run(
        ["go", verb, "-v", *arguments],  # -v: one line for each package
        building / "log",
        report,
        progress=_compiled,
        cwd=source,
        # $TMPDIR may be a small disk of memory.
        env={"GOBIN": str(out), "GOTMPDIR": str(work), "CGO_ENABLED": "0"},
    )
    shutil.rmtree(work)
    (built,) = out.iterdir()
    program = built.rename(building / part.program)
    out.rmdir()
    told = subprocess.run([program, *part.proof], capture_output=True, text=True)
    if part.version not in told.stdout:
        said = told.stdout + told.stderr
        raise BuildError(f"{part.program} should be {part.version}, but says {said!r}")


def _compiled(log: bytes) -> str:
    return f"{sum(not line.startswith(b'go: ') for line in log.splitlines())} compiled"


def main() -> int:
    """What `make testbed` does."""
    return bed_cache.make_bed("Kubernetes", location(), why_no_go, build)


if __name__ == "__main__":
    sys.exit(main())
