"""The tests' directories, with paths short enough for the sockets in them.

A unix socket's path has at most 107 bytes. Pytest's directories begin with $TMPDIR and the user's
name, either of which may be as long as it likes.
"""

import os
import tempfile

import pytest

LONGEST = 11
"""Bytes of $TMPDIR, which leave room for the longest socket of a test and a uid of ten digits."""


def leave_long_tmpdir(config: pytest.Config) -> None:
    """Use /tmp instead, also in workers and what tests start."""
    if len(os.fsencode(tempfile.gettempdir())) > LONGEST and not config.option.basetemp:
        os.environ["TMPDIR"] = tempfile.tempdir = "/tmp"


def call_user_by_number(config: pytest.Config) -> None:
    """Let pytest choose its directory by the uid; workers get theirs from us."""
    factory = config._tmp_path_factory  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOGNAME", str(os.getuid()))
        factory.getbasetemp()
