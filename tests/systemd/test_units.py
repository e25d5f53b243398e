"""The units: systemd accepts them, and they leave running tools alone."""

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import needs

UNITS = Path(__file__).parents[2] / "systemd"

LEAVES_TOOLS_ALONE = {
    "KillMode": "process",  # else a stop kills every process of the service
    "Delegate": "yes",  # else systemd may move or kill cgroups below ours
    "OOMPolicy": "continue",  # else one tool out of memory stops the whole service
    "PrivateTmp": "no",  # else a restart takes /tmp from under running tools
    "RuntimeDirectoryPreserve": "yes",  # else a stop removes the socket's directory
    "Type": "notify",
}


@pytest.fixture(scope="module")
def service() -> configparser.SectionProxy:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's keys have capitals
    unit.read(UNITS / "orchestrator.service", encoding="utf-8")
    return unit["Service"]


@pytest.mark.parametrize(("directive", "value"), LEAVES_TOOLS_ALONE.items())
def test_the_service_leaves_running_tools_alone(
    service: configparser.SectionProxy, directive: str, value: str
) -> None:
    assert service[directive] == value


@needs.SYSTEMD
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    for unit in UNITS.iterdir():
        shutil.copy(unit, tmp_path)
    units = [str(unit) for unit in sorted(tmp_path.iterdir())]
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", *units],
        capture_output=True,
        text=True,
        check=False,
    )
    complaints = [line for line in checked.stderr.splitlines() if str(tmp_path) in line]
    assert (checked.returncode, complaints) == (0, [])
