"""The last steps of a forked child before it is the tool.

umask 077 and core size 0 are inherited from the keeper. Standard library only.
"""

# pathlib would cost every supervisor memory
# ruff: noqa: PTH110, PTH118

import fcntl
import os
import signal

from orchestrator.process.order import Order

GO = b"g"
_GATE = 3
_REASON = 4
_NEVER_RELEASED = 125
_CANNOT_EXECUTE = 126
_NOT_FOUND = 127


def become_tool(order: Order, gate: int, reason: int, stdin: int, stdout: int, stderr: int) -> None:
    """Wait at the gate for the supervisor's word, then execute the tool in a session of its own.

    When the supervisor dies before it recorded this process, the gate closes and nothing is
    executed. When nothing can be executed, `reason` is told why. Never returns.
    """
    status = _CANNOT_EXECUTE
    try:
        os.setsid()
        _keep_only(stdin, stdout, stderr, gate, reason)
        if os.read(_GATE, 1) != GO:
            os._exit(_NEVER_RELEASED)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        status, why = _execute(order)
        os.write(_REASON, os.fsencode(why))
    except BaseException as error:
        os.write(_REASON, str(error).encode(errors="replace"))
    finally:
        os._exit(status)


def _keep_only(stdin: int, stdout: int, stderr: int, gate: int, reason: int) -> None:
    """Move these to where they belong, close all else.

    In two moves: the numbers they go to may be theirs or each other's.
    """
    sources = [stdin, stdout, stderr, gate, reason]
    aside = [fcntl.fcntl(source, fcntl.F_DUPFD_CLOEXEC, len(sources)) for source in sources]
    for target, source in enumerate(aside):
        # Executing the tool closes `reason`. Inherited, it would stay open in a descendant, and the
        # supervisor would wait for that one's end before it writes `status`.
        os.dup2(source, target, inheritable=target < _GATE)
    os.closerange(len(sources), os.sysconf("SC_OPEN_MAX"))


def _execute(order: Order) -> tuple[int, str]:
    """Become the tool; returns only when that failed, with the exit code and the reason."""
    name = os.fsdecode(order.argv[0])
    try:
        os.chdir(order.cwd)
    except OSError as error:
        reason = f"cannot enter the working directory {os.fsdecode(order.cwd)}: {error.strerror}"
        return _CANNOT_EXECUTE, reason
    refusal: OSError | None = None
    for path in _candidates(order):
        try:
            os.execve(path, order.argv, order.env)  # noqa: S606  that is the point
        except (FileNotFoundError, NotADirectoryError):
            if os.path.exists(path):
                return _NOT_FOUND, f"{os.fsdecode(path)}: its interpreter (#! line) does not exist"
        except OSError as error:
            refusal = refusal or error
    if refusal is not None:
        return _CANNOT_EXECUTE, f"cannot execute {name}: {refusal.strerror}"
    if "/" in name:
        return _NOT_FOUND, f"no such file: {name}"
    return _NOT_FOUND, f"command not found: {name}"


def _candidates(order: Order) -> list[bytes]:
    """Where the command may lie: the PATH that the tool itself is given decides."""
    name = order.argv[0]
    if b"/" in name:
        return [name]
    path = order.env.get(b"PATH", os.fsencode(os.defpath))
    return [os.path.join(folder or b".", name) for folder in path.split(b":")]
