"""docs/debugging.md is typed, command by command, at a daemon with the stuck job that it shows."""

import getpass
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.docs.sessions import Typed, agrees, sessions
from tests.e2e.conftest import installation
from tests.e2e.e2e_bench import PATIENCE, PROGRAM, Installation, until

__all__ = ["installation"]

PAGE = ROOT / "docs" / "debugging.md"
STATE = "/var/lib/orchestrator"
CHANGES = re.compile(r"orchestrator (submit|cancel)")
"""Commands that are typed once. What looks only is looked at until it shows what the page says."""


class Shell:
    """Types commands as a person in a terminal of the daemon's host does."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.cwd = installation.root

    def type(self, command: str) -> str:
        """What it prints."""
        if command.startswith("cd "):
            self.cwd = Path(command.removeprefix("cd "))
            return ""
        path = f"{Path(PROGRAM).parent}:{os.environ['PATH']}"
        socket = str(self.installation.socket)
        env = {**os.environ, "PATH": path, "ORCHESTRATOR_SOCKET": socket, "NO_COLOR": "1"}
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self.cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        return done.stdout


def follow(shell: Shell, typed: Typed) -> None:
    """Type it; it must print what the page shows."""
    command = typed.command.replace(STATE, str(shell.installation.state))
    shown = tuple(line.replace("root", getpass.getuser()) for line in typed.shown)
    printed = ""

    def prints() -> bool:
        nonlocal printed
        printed = shell.type(command)
        return agrees(shown, printed)

    if CHANGES.match(command):
        assert prints(), f"$ {command}\n{printed}"
        return
    try:
        until(command, prints, patience=30)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{printed}") from error


@pytest.mark.slow
def test_the_page_is_typed(installation: Installation) -> None:
    """From the first submission to the end of the second job."""
    [pipeline] = re.findall(r"^```toml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    installation.write({"environments/staging.toml": "", "pipelines/web.toml": pipeline})
    installation.start()
    shell = Shell(installation)
    for typed in sessions(PAGE):
        follow(shell, typed)
    assert [installation.finished(job)["conclusion"] for job in (1, 2)] == ["cancelled"] * 2


def test_every_block_is_typed_or_written() -> None:
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    kinds = {(language, block[:2]) for language, block in blocks}
    assert kinds == {("toml", "# "), ("", "$ ")}


def test_what_is_left_out_of_a_session() -> None:
    assert agrees(("a 12 s", "…"), "a 3  s\nb\nc\n")
    assert agrees(("…", "b …"), "a\nb c\n")
    assert not agrees(("a",), "a\nb\n")
    assert not agrees(("b …",), "a\n")
