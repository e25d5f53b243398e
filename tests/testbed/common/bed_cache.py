"""What every test bed builds once, into the user's cache directory. Standard library only."""

import contextlib
import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from tests.testbed.common.ci import is_ci

REPORT_SECONDS = 10.0
_MANIFEST = "complete.json"

Report = Callable[[str], None]
"""Told in one line how a build goes on."""


class BuildError(Exception):
    """Something could not be built; the message ends with what the tool said last."""


def cache_root() -> Path:
    """Where this user's test beds are cached."""
    try:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:  # a user without a home
        base = tempfile.gettempdir()
    return Path(base) / "orchestrator-testbed"


def location(name: str, source: Path, recipe: object = None) -> Path:
    """The directory of what is built from exactly this source, by this recipe, on this machine."""
    digest = hashlib.sha256(repr((platform.machine(), recipe)).encode())
    for path in sorted(source.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(source)}\0".encode() + path.read_bytes() + b"\0")
    return cache_root() / f"{name}-{digest.hexdigest()[:12]}"


def is_complete(directory: Path) -> bool:
    """Whether every file is there as it was built."""
    try:
        sizes: dict[str, int] = json.loads((directory / _MANIFEST).read_bytes())
        return all((directory / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError):
        return False


def build(place: Path, make: Callable[[Path], None], report: Report) -> Path:
    """Let `make` fill a directory unless `place` is complete, and return the place.

    Two builds at once wait for each other. What is there is complete or gets replaced: it is
    built in a directory beside and moved into its place as a whole.

    Raises:
        BuildError: by `make`, and where nothing can be written there.
    """
    with _writing_to(place.parent):
        place.parent.mkdir(parents=True, exist_ok=True)
        lock = (place.parent / "lock").open("w")
    with _locked(lock, report):
        if is_complete(place):
            return place
        for left in place.parent.glob(".building-*"):
            shutil.rmtree(left, ignore_errors=True)
        with _writing_to(place.parent):
            building = Path(tempfile.mkdtemp(prefix=".building-", dir=place.parent))
        try:
            began = time.monotonic()
            make(building)
            sizes = _sizes(building)
            (building / _MANIFEST).write_text(json.dumps(sizes))
            megabytes = sum(sizes.values()) // 1_000_000
            report(f"built in {time.monotonic() - began:.0f} s, {megabytes} MB")
            shutil.rmtree(place, ignore_errors=True)
            building.rename(place)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return place


def run(
    command: Sequence[str | Path],
    log: Path,
    report: Report,
    *,
    progress: Callable[[bytes], str],
    cwd: Path,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a tool, and say every REPORT_SECONDS what `progress` makes of its output so far.

    Raises:
        BuildError: it failed; the message has the end of what it said.
    """
    began = time.monotonic()
    with log.open("wb") as file:
        tool = subprocess.Popen(
            command,
            cwd=cwd,
            env=os.environ | (env or {}),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            while (code := _wait(tool, REPORT_SECONDS)) is None:
                report(f"      {time.monotonic() - began:.0f} s, {progress(log.read_bytes())}")
        finally:
            tool.kill()  # of no effect when it has ended
            tool.wait()
    if code != 0:
        last = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise BuildError(f"{' '.join(map(str, command))} failed (exit {code}):\n{last}")
    log.unlink()


def make_bed(
    title: str, place: Path, missing: Callable[[], str | None], build: Callable[[Report], object]
) -> int:
    """What `make testbed` does for one bed; its exit status.

    What is `missing` on this machine is said in one line; in CI it is a failure.
    """
    if is_complete(place):
        return 0
    if needs := missing():
        print(f"The {title} test bed needs {needs}; the tests that use it are skipped.")
        return 1 if is_ci() else 0
    print(f"building the {title} test bed in {place} (some minutes, once)", flush=True)
    try:
        build(lambda line: print(f"  {line}", flush=True))
    except (BuildError, OSError) as error:  # such as a disk that is full
        print(error, file=sys.stderr)
        print(f"To test without it: make test {title.upper()}=no", file=sys.stderr)
        return 1
    return 0


def _sizes(directory: Path) -> dict[str, int]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.stat().st_size for path in files}


@contextlib.contextmanager
def _writing_to(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BuildError(
            f"{directory} can't be written to ({error.strerror}): set XDG_CACHE_HOME, or leave the "
            "test beds out: KUBERNETES=no SPINNAKER=no"
        ) from error


@contextlib.contextmanager
def _locked(lock: TextIO, report: Report) -> Iterator[None]:
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("somebody else builds; waiting for them")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
