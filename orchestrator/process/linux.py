"""The Linux calls that the standard library lacks. Runs in the keeper: standard library only."""

import ctypes
import os

_PR_SET_CHILD_SUBREAPER = 36
_FALLOC_FL_KEEP_SIZE = 1
_FALLOC_FL_PUNCH_HOLE = 2
_IN_MODIFY = 2
_IN_CLOEXEC = os.O_CLOEXEC
_IN_NONBLOCK = os.O_NONBLOCK

_libc = ctypes.CDLL(None, use_errno=True)
_libc.fallocate64.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
_libc.prctl.argtypes = (ctypes.c_int,) + (ctypes.c_ulong,) * 4


def _checked(result: int) -> int:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def become_subreaper() -> None:
    """From now on orphaned descendants become our children, not init's."""
    _checked(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))


def punch_hole(descriptor: int, start: int, length: int) -> None:
    """Give the blocks of this range back to the file system; it reads as zeros from now on.

    Raises:
        OSError: the file system cannot (EOPNOTSUPP).
    """
    mode = _FALLOC_FL_PUNCH_HOLE | _FALLOC_FL_KEEP_SIZE
    _checked(_libc.fallocate64(descriptor, mode, start, length))


def watch_writes(paths: list[bytes]) -> int:
    """A non-blocking inotify descriptor with an event for writes to any of these files.

    Raises:
        OSError: no instance or watch is left for this user.
    """
    descriptor = _checked(_libc.inotify_init1(_IN_CLOEXEC | _IN_NONBLOCK))
    try:
        for path in paths:
            _checked(_libc.inotify_add_watch(descriptor, path, _IN_MODIFY))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
