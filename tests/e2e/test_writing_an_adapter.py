"""The adapter and the tests in docs/writing-an-adapter.md are what they say: they work."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from orchestrator.testing.suite_material import Material
from tests.ambient import inner_environment

pytestmark = pytest.mark.slow

DOCUMENT = Path(__file__).parents[2] / "docs" / "writing-an-adapter.md"


def blocks(language: str) -> dict[str, str]:
    """The document's code by file name, which the first line of each block tells."""
    found = re.findall(rf"^```{language}\n# (\S+)\n(.*?)^```", DOCUMENT.read_text(), re.S | re.M)
    return dict(found)


def test_the_example_passes_the_suite(tmp_path: Path) -> None:
    for name, code in blocks("python").items():
        (tmp_path / name).write_text(code)
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", str(tmp_path)]
    env = {**inner_environment(), "PYTHONPATH": str(tmp_path)}
    env.pop("CI", None)  # its material is small, and the suite skips what it can't do
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout
    assert "failed" not in done.stdout


def test_the_example_is_a_plugin() -> None:
    project = tomllib.loads(blocks("toml")["pyproject.toml"])
    [module] = project["project"]["entry-points"]["orchestrator"].values()
    assert f"{module}.py" in blocks("python")


def test_every_method_of_the_material_is_told() -> None:
    text = DOCUMENT.read_text()
    for name in vars(Material):
        if not name.startswith("_") and name != "close":
            assert f"`{name}`" in text, name
