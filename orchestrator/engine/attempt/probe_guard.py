"""Runs one probe and ends with it, or ends it: run as a script, `python -I -S -E`.

    probe_guard.py LINE ARGV...

LINE is a socket of the daemon's. How the probe ended is written to it: `exit N`, `signal N` or
`error TEXT`. When its other end closes (the daemon lost interest, or died) the probe is asked to
end, by SIGTERM to its pid alone, for it may hold a lock or be writing a file; after GRACE seconds
at most it is killed with its session. A signal at the parent's death (PR_SET_PDEATHSIG) would come
when the *thread* that started the probe ends, and reach none of the probe's children.

It runs once for each look at something, so it starts fast: what `signal`, `socket` and
`contextlib` import takes as long as the whole interpreter.
"""

import os
import resource
import select
import sys

GRACE = 5.0
SIGKILL, SIGTERM = 9, 15


def main(line: int, argv: list[str]) -> None:
    """Run the probe, say how it ended. The exit status of this guard says nothing."""
    os.set_inheritable(line, False)
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    refusals, theirs = os.pipe()
    probe = os.fork()
    if probe == 0:
        _become(argv, theirs)
    os.close(theirs)
    interested = not _first_readable(line, refusals)
    reason = os.read(refusals, 4096) if interested else b""
    ended = os.pidfd_open(probe)
    if interested and not reason:
        interested = not _first_readable(line, ended)
    if not interested:
        _ask_to_end(probe, ended)
    _end_session(probe)
    status = os.waitstatus_to_exitcode(os.waitpid(probe, 0)[1])
    if reason:
        os.write(line, b"error " + reason)
    elif interested:
        os.write(line, b"signal %d" % -status if status < 0 else b"exit %d" % status)


def _become(argv: list[str], refusals: int) -> None:
    try:
        os.setsid()
        os.execvp(argv[0], argv)  # noqa: S606  a list, and no shell is wanted
    except OSError as error:
        os.write(refusals, (error.strerror or str(error)).encode())
    finally:
        os._exit(127)


def _first_readable(first: int, second: int) -> bool:
    """Wait for either; whether the first one is readable, or closed at its other end."""
    poll = select.poll()
    poll.register(first, select.POLLIN)
    poll.register(second, select.POLLIN)
    return first in {descriptor for descriptor, _ in poll.poll()}


def _ask_to_end(probe: int, ended: int) -> None:
    os.kill(probe, SIGTERM)
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    poll.poll(GRACE * 1000)


def _end_session(probe: int) -> None:
    try:  # noqa: SIM105  see above
        os.killpg(probe, SIGKILL)
    except ProcessLookupError:
        pass  # it was killed before it had one
    os.kill(probe, SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
