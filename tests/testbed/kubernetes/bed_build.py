"""Builds the programs of the Kubernetes test bed, once, into the user's cache directory.

`python bed_build.py`, which `make testbed` runs, shows how it goes on. Standard library only.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

SERVER = Path(__file__).parent / "server"
"""The Go module that pins all programs but helm, by version and checksum."""
OLDEST_GO = (1, 25)
REPORT_SECONDS = 10.0
_MANIFEST = "complete.json"


class BuildError(Exception):
    """A program could not be built; the message ends with what Go said last."""


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


def cache_root() -> Path:
    """Where this user's test beds are cached."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "orchestrator-testbed"


def location(parts: Sequence[Part] = PARTS, source: Path = SERVER) -> Path:
    """The directory of exactly these programs; another version has another."""
    digest = hashlib.sha256(repr((platform.machine(), parts)).encode())
    for path in sorted(source.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(source)}\0".encode() + path.read_bytes() + b"\0")
    return cache_root() / f"kubernetes-{KUBERNETES}-{digest.hexdigest()[:12]}"


def is_complete(directory: Path) -> bool:
    """Whether every program is there as it was built."""
    try:
        sizes: dict[str, int] = json.loads((directory / _MANIFEST).read_bytes())
        return all((directory / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError):
        return False


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


def build(
    report: Callable[[str], None], parts: Sequence[Part] = PARTS, source: Path = SERVER
) -> Path:
    """Build what is missing and return the complete directory.

    Two builds at once wait for each other. What is there is complete or gets replaced: programs
    are built in a directory beside and moved into their place together.

    Raises:
        BuildError: Go failed, or built something that is not what was asked for.
    """
    place = location(parts, source)
    place.parent.mkdir(parents=True, exist_ok=True)
    with _locked(place.parent / "lock", report):
        if is_complete(place):
            return place
        for left in place.parent.glob(".building-*"):
            shutil.rmtree(left)
        building = Path(tempfile.mkdtemp(prefix=".building-", dir=place.parent))
        try:
            _build_all(building, parts, source, report)
            shutil.rmtree(place, ignore_errors=True)
            building.rename(place)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return place


@contextlib.contextmanager
def _locked(path: Path, report: Callable[[str], None]) -> Iterator[None]:
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("somebody else builds; waiting for them")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build_all(
    building: Path, parts: Sequence[Part], source: Path, report: Callable[[str], None]
) -> None:
    began = time.monotonic()
    sizes = {}
    for number, part in enumerate(parts, 1):
        report(f"[{number}/{len(parts)}] {part.program} {part.version}")
        sizes[part.program] = _build_one(building, part, source, report)
    (building / _MANIFEST).write_text(json.dumps(sizes))
    megabytes = sum(sizes.values()) // 1_000_000
    report(f"built in {time.monotonic() - began:.0f} s, {megabytes} MB")


def _build_one(building: Path, part: Part, source: Path, report: Callable[[str], None]) -> int:
    """Build, prove and put in place one program; its size in bytes."""
    out = building / "out"
    _run_go(part, source, out, building / "log", report)
    (built,) = out.iterdir()
    program = built.rename(building / part.program)
    out.rmdir()
    told = subprocess.run([program, *part.proof], capture_output=True, text=True)
    if part.version not in told.stdout:
        said = told.stdout + told.stderr
        raise BuildError(f"{part.program} should be {part.version}, but says {said!r}")
    return program.stat().st_size


def _run_go(part: Part, source: Path, out: Path, log: Path, report: Callable[[str], None]) -> None:
    began = time.monotonic()
    verb, *arguments = part.go
    with log.open("wb") as file:
        go = subprocess.Popen(
            ["go", verb, "-v", *arguments],  # -v: one line for each package
            cwd=source,
            env=os.environ | {"GOBIN": str(out), "CGO_ENABLED": "0"},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            while (code := _wait(go, REPORT_SECONDS)) is None:
                report(f"      {time.monotonic() - began:.0f} s, {_packages(log)} compiled")
        finally:
            go.kill()  # of no effect when it has ended
            go.wait()
    if code != 0:
        last = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise BuildError(f"go {verb} for {part.program} failed (exit {code}):\n{last}")
    log.unlink()


def _packages(log: Path) -> int:
    return sum(not line.startswith(b"go: ") for line in log.read_bytes().splitlines())


def _wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def main() -> int:
    """What `make testbed` does."""
    if is_complete(location()):
        return 0
    if missing := why_no_go():
        print(f"The Kubernetes test bed needs {missing}; the tests that use it are skipped.")
        return 1 if "CI" in os.environ else 0
    print(f"building the Kubernetes test bed in {location()} (some minutes, once)", flush=True)
    try:
        build(lambda line: print(f"  {line}", flush=True))
    except BuildError as error:
        print(error, file=sys.stderr)
        print("To test without it: make test KUBERNETES=no", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
