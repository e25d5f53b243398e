"""What the process that starts the tests has around it, and no test may see or leave behind."""

import os
import signal

import pytest

from orchestrator.testing.daemon_process import end_everything_below

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


def end_what_is_left(config: pytest.Config) -> None:
    """End the daemons, keepers and tools of a run that was broken off: they outlive all else."""
    base = config._tmp_path_factory._basetemp  # type: ignore[attr-defined]
    if base is not None:
        end_everything_below(base)
