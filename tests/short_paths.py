"""The tests' directories, with paths short enough for the sockets in them.

A unix socket's path has at most 107 bytes. Pytest's directories begin with $TMPDIR and the user's
name, either of which may be as long as it likes.
"""

import os
import tempfile

import pytest

LONGEST = 11
"""Bytes of $TMPDIR, which leave room for the longest socket of a test and a uid of ten digits."""

LEFT = pytest.StashKey[str]()
"""The $TMPDIR that was too long."""


def leave_long_tmpdir(config: pytest.Config) -> None:
    """Use /tmp instead, also in workers and what tests start."""
    given = tempfile.gettempdir()
    if len(os.fsencode(given)) > LONGEST and not config.option.basetemp:
        os.environ["TMPDIR"] = tempfile.tempdir = "/tmp"
        config.stash[LEFT] = given


def told(config: pytest.Config) -> list[str]:
    """What the head of the run says of it."""
    given = config.stash.get(LEFT, None)
    why = f"the longest of the tests' sockets has room for {LONGEST} bytes of it"
    return [] if given is None else [f"TMPDIR: /tmp in place of {given}, {why}"]


def call_user_by_number(config: pytest.Config) -> None:
    """Let pytest choose its directory by the uid; workers get theirs from us."""
    factory = config._tmp_path_factory  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOGNAME", str(os.getuid()))
        factory.getbasetemp()
