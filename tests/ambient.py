"""What the process that starts the tests has around it, and no test may see or leave behind."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.testing.daemon_process import end_everything_below

OUTSIDE = "orchestrator-tests-"
"""How the names of directories outside pytest's own begin: this, the pid of the run, a dash."""
MEMORY = Path("/dev/shm")
"""Nothing there waits for a disk. Not every machine has it."""

OF_A_GIT_HOOK = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE"),
    *("GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT", "GIT_SHALLOW_FILE"),
    *("GIT_GRAFT_FILE", "GIT_REPLACE_REF_BASE", "GIT_NO_REPLACE_OBJECTS", "GIT_QUARANTINE_PATH"),
    *("GIT_IMPLICIT_WORK_TREE", "GIT_INTERNAL_SUPER_PREFIX"),
)
"""`git rev-parse --local-env-vars`: with these, git works on the repository whose hook runs the
tests, wherever it is told to work."""


def leave_git_hook() -> None:
    """Let git decide by the directory alone, also in workers and what tests start."""
    for name in OF_A_GIT_HOOK:
        os.environ.pop(name, None)


def demand_paths(config: pytest.Config) -> None:
    """Refuse what is not there: workers leave it out without a word, and the run passes."""
    for argument in config.args:
        path = argument.partition("::")[0]
        if not (config.invocation_params.dir / path).exists():
            raise pytest.UsageError(f"there is no {path}")


def stop_as_by_keyboard() -> None:
    """Tear tests down when CI, or `timeout`, ends the run by SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def outside_directory(place: Path | None = None) -> Path:
    """A directory outside pytest's own, below `place` or $TMPDIR.

    Whoever asks for one removes it; the next run does where that was killed.
    """
    run = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    return Path(tempfile.mkdtemp(prefix=f"{OUTSIDE}{run}-", dir=place))


@contextmanager
def open_directory() -> Iterator[Path]:
    """A directory that other users may enter: into pytest's own they may not."""
    root = outside_directory()
    root.chmod(0o755)
    yield root
    shutil.rmtree(root)


def end_what_is_left(config: pytest.Config) -> None:
    """End the daemons, keepers and tools of a run that was broken off: they outlive all else."""
    base = config._tmp_path_factory._basetemp  # type: ignore[attr-defined]
    if base is not None:
        end_everything_below(base)
    for root in _left_outside():
        end_everything_below(root)
        shutil.rmtree(root)


def _left_outside() -> Iterator[Path]:
    """What this run has left, and those that were killed."""
    for place in (Path(tempfile.gettempdir()), MEMORY):
        for root in place.glob(f"{OUTSIDE}*"):
            run = root.name.removeprefix(OUTSIDE).partition("-")[0]
            over = run == str(os.getpid()) or not Path("/proc", run).exists()
            if over and root.stat().st_uid == os.getuid():
                yield root
