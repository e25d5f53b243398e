"""Commands typed by other users than the one that the tests run as."""

import os
import shutil

import pytest

from tests.e2e.e2e_bench import Installation

needs_other_users = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="needs root and setpriv to act as another user",
)
NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
IN_GROUP = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--groups=games")
DAEMON = ("setpriv", "--reuid=daemon", "--regid=daemon", "--clear-groups")


def demand_reachable(installation: Installation) -> None:
    """Skip where the interpreter lies in a directory that other users may not enter."""
    done = installation.run("--version", prefix=NOBODY)
    if done.returncode != 0:
        pytest.skip(f"needs a Python that other users may run: {done.stderr}")
