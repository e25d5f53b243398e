"""A run of pytest below our conftest that a test starts: a suite of its own in a directory."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.ambient import inner_environment

ROOT = Path(__file__).parents[1]

SETTINGS = """[pytest]
addopts = --strict-markers -rfExX
markers =
    slow: as ours
    seeded: as ours
"""


def suite(directory: Path, tests: Mapping[str, str]) -> Path:
    """Make one there of these files."""
    shutil.copy(ROOT / "conftest.py", directory)
    (directory / "pytest.ini").write_text(SETTINGS)
    for name, text in tests.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return directory


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "pytest", *words]


def environment(suite: Path, **more: str) -> dict[str, str]:
    """As of somebody who runs it by hand."""
    ours = inner_environment() | {"PYTHONPATH": f"{ROOT}:{suite}"} | more
    return {name: value for name, value in ours.items() if name != "CI" or name in more}


def run(suite: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run it with these arguments and, besides our own, variables."""
    done = subprocess.run(
        command(*words),
        cwd=suite,
        env=environment(suite, **more),
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout, done.stderr)
    return done
