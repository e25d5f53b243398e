"""What the process that starts the tests has around it, and no test may see or leave behind."""

import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from orchestrator.testing.daemon_process import end_everything_below

OUTSIDE = "orchestrator-run-"
"""How the names of directories outside pytest's own begin."""
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

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "no_proxy")
"""In either case. A daemon or server of a test listens on loopback, where no proxy finds it."""

_held: dict[Path, int] = {}
"""Descriptors of this process's directories outside pytest's own, each locked: what can be locked
belongs to nobody who lives, in whatever namespace."""


def leave_git_hook() -> None:
    """Let git decide by the directory alone, also in workers and what tests start."""
    for name in OF_A_GIT_HOOK:
        os.environ.pop(name, None)


def leave_proxies() -> None:
    """Let all that tests ask and start be asked directly. What was set up or built before them
    (`make setup`, `make testbed`, .ci) has used them."""
    for name in PROXIES:
        os.environ.pop(name, None)
        os.environ.pop(name.upper(), None)


def inner_environment() -> dict[str, str]:
    """For a pytest that is started here: without what was meant for the outer one.

    It would take its options, and believe that it is one of its workers.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


def demand_paths(config: pytest.Config) -> None:
    """Refuse what is not there: workers leave it out without a word, and the run passes."""
    for argument in config.args:
        path = argument.partition("::")[0]
        if not (config.invocation_params.dir / path).exists():
            raise pytest.UsageError(f"there is no {path}")


def stop_as_by_keyboard() -> None:
    """Tear tests down when CI, `timeout` or a terminal that is closed ends the run."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under `nohup`
        signal.signal(signal.SIGHUP, signal.default_int_handler)


def outside_directory(place: Path | None = None) -> Path:
    """A directory outside pytest's own, below `place` or $TMPDIR.

    Whoever asks for one removes it; the next run does where that was killed.
    """
    for gone in [path for path in _held if not path.exists()]:
        os.close(_held.pop(gone))
    while True:
        made = Path(tempfile.mkdtemp(prefix=OUTSIDE, dir=place))
        descriptor = _locked(made)
        if descriptor is not None and made.exists():
            _held[made] = descriptor
            return made
        if descriptor is not None:  # a run that ended took it for left, before it was locked
            os.close(descriptor)


@contextmanager
def open_directory() -> Iterator[Path]:
    """A directory that other users may enter: into pytest's own they may not."""
    root = outside_directory()
    root.chmod(0o755)
    yield root
    shutil.rmtree(root)


def end_what_is_left(config: pytest.Config) -> None:
    """End the daemons, keepers and tools of a run that was broken off: they outlive all else."""
    # There is none where pytest refused its arguments.
    base = getattr(getattr(config, "_tmp_path_factory", None), "_basetemp", None)
    if base is not None:
        end_everything_below(base)
    for place in {Path(tempfile.gettempdir()), MEMORY}:
        for root in place.glob(f"{OUTSIDE}*"):
            _remove_if_left(root)


def _remove_if_left(root: Path) -> None:
    """By this run, or one that was killed. What can't be removed is no fault of this run."""
    descriptor = _held.pop(root, None) or _locked(root)
    if descriptor is None:
        return
    end_everything_below(root)
    shutil.rmtree(root, ignore_errors=True)
    os.close(descriptor)


def _locked(root: Path) -> int | None:
    """A descriptor of a directory of ours that nobody holds, which holds it."""
    with suppress(OSError):
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            if os.fstat(descriptor).st_uid == os.getuid():
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return descriptor
        except OSError:  # somebody holds it
            pass
        os.close(descriptor)
    return None
