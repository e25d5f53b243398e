"""What is told at `debug` costs nothing at `info`, and nothing in it reaches a terminal raw."""

import os
import pty
import subprocess
import sys

from orchestrator.engine import debug_log

SAYS = """
import structlog
from orchestrator import log_output
log_output.configure("debug")
log = structlog.get_logger()
log.debug("effects", environment="a\\x1b]0;title\\x07", wanted=["b\\x1b[2J"], more={"c\\x9b": 1})
"""


class Untouchable:
    """Fails whoever looks at it."""

    def __getattribute__(self, name: str) -> object:
        raise AssertionError(f"{name} was looked at")


def test_nothing_is_formatted_at_info() -> None:
    nothing = Untouchable()
    debug_log.committed(nothing, nothing)  # type: ignore[arg-type]
    debug_log.effects("staging", nothing, nothing)  # type: ignore[arg-type]
    debug_log.not_admitted(nothing, nothing)  # type: ignore[arg-type]


def test_a_terminal_sees_no_raw_escape() -> None:
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", SAYS], stderr=theirs, check=True)
    os.close(theirs)
    said = os.read(ours, 1 << 16).decode()
    os.close(ours)
    for raw in ("\x1b]0", "\x07", "\x1b[2J", "\x9b"):
        assert raw not in said
    assert "title" in said
