"""Builds the Spinnaker test bed's Orca, once, into the user's cache directory.

`python spinnaker_build.py`, which `make testbed` runs, shows how it goes on. Standard library only.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.testbed.common import bed_cache
from tests.testbed.common.bed_cache import BuildError, Report, is_complete
from tests.testbed.common.bed_guard import StartError
from tests.testbed.spinnaker.spinnaker_guardian import ARCHIVE, JVM, SpinnakerGuardian

__all__ = ["BuildError", "build", "is_complete", "location", "why_not"]

SOURCE = Path(__file__).parent / "orca"
OLDEST_JAVA = 17
PROGRAMS = {
    **{"javac": "default-jdk-headless", "mvn": "maven"},
    **{"redis-server": "redis-server", "redis-cli": "redis-tools"},
}
"""What must be on PATH, by the Debian package that has it."""


def _version(source: Path) -> str:
    found = re.search(r"<orca\.version>(\S+)</orca\.version>", (source / "pom.xml").read_text())
    assert found, "pom.xml names orca.version"
    return found[1]


def location(source: Path = SOURCE) -> Path:
    """The directory of exactly this Orca; another version has another."""
    return bed_cache.location(f"spinnaker-{_version(source)}", source, JVM)


def why_not() -> str | None:
    """None where the bed can be built and run, else a sentence for whoever misses it."""
    missing = [
        f"{program} (Debian: {PROGRAMS[program]})" for program in PROGRAMS if not _has(program)
    ]
    if missing:
        return f"{', '.join(missing)} on PATH"
    asked = subprocess.run(["javac", "-version"], capture_output=True, text=True)
    found = re.match(r"javac (\d+)", asked.stdout + asked.stderr)
    if found and int(found[1]) >= OLDEST_JAVA:
        return None
    said = (asked.stdout + asked.stderr).strip()
    return f"a JDK {OLDEST_JAVA} or newer on PATH; {said!r} is what javac says now"


def build(report: Report, source: Path = SOURCE) -> Path:
    """Build what is missing and return the complete directory, as `bed_cache.build` does.

    Raises:
        BuildError: Maven or javac failed.
    """

    def make(building: Path) -> None:
        report(f"[1/3] Orca {_version(source)} and what it needs, by Maven")
        _resolve(building, source, report)
        report("[2/3] its HTTP tier and stages")
        _compile(building, source, report)
        report("[3/3] an archive of the classes that it loads, by starting it once")
        _archive(building)

    return bed_cache.build(location(source), make, report)


def _resolve(building: Path, source: Path, report: Report) -> None:
    bed_cache.run(
        [
            *("mvn", "--batch-mode", "-Dstyle.color=never", "--file", source / "pom.xml"),
            "dependency:copy-dependencies",
            "-DincludeScope=runtime",
            "-DexcludeArtifactIds=servlet-api",  # of an API older than Spring's
            f"-DoutputDirectory={building / 'lib'}",
        ],
        building / "log",
        report,
        progress=_downloaded,
        cwd=building,
    )


def _compile(building: Path, source: Path, report: Report) -> None:
    bed_cache.run(
        [
            *("javac", "-parameters", "-proc:none", "-nowarn"),  # Spring reads parameters' names
            *("-d", building / "classes", "-cp", f"{building / 'lib'}/*"),
            *sorted(source.rglob("*.java")),
        ],
        building / "log",
        report,
        progress=lambda log: "compiling",
        cwd=building,
    )
    subprocess.run(
        ["jar", "--create", "--file", building / "bed.jar", "-C", building / "classes", "."],
        check=True,
    )
    shutil.rmtree(building / "classes")
    shutil.copy(source / "orca.yml", building)


def _archive(building: Path) -> None:
    training = building / "training"
    training.mkdir()
    guardian = _Training(training, building, None)
    try:
        guardian.start()
        orca = guardian.children["orca"]
        orca.terminate()  # it writes the archive as it ends
        orca.wait()
        if not (building / ARCHIVE).exists():
            raise BuildError(f"no archive of classes:\n{guardian.last_said('orca')}")
    except StartError as error:
        raise BuildError(str(error)) from error
    finally:
        guardian.end()
    shutil.rmtree(training)


class _Training(SpinnakerGuardian):
    """Runs Orca to see which classes it loads."""

    archive = f"-XX:ArchiveClassesAtExit={ARCHIVE}"


def _downloaded(log: bytes) -> str:
    return f"{log.count(b'Downloaded from')} files downloaded"


def _has(program: str) -> bool:
    return shutil.which(program) is not None


def main() -> int:
    """What `make testbed` does."""
    return bed_cache.make_bed("Spinnaker", location(), why_not, build)


if __name__ == "__main__":
    sys.exit(main())
