"""Which tool to start, and how."""

import os
from pathlib import Path

import msgspec

from orchestrator.process.order import Order


class ProcessSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One tool to start. Its stdin is /dev/null, its umask 077; it dumps no core.

    `env` has all its variables but for `ORCHESTRATOR_PROCESS`, by which its descendants are
    found. A command without `/` is looked up on `env`'s `PATH`. `stdout` and `stderr` are files,
    appended to, created with mode 0600; both may name one file. Beyond `max_log_bytes` each file
    loses its middle (see `log_limit`). `stop_signal` is the number that asks it to stop, or None
    when it must not be interrupted: who stops it reads that, the process layer does not. `owner` is
    the token of the job that it belongs to, which its records bear.
    """

    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    stdout: str
    stderr: str
    stop_signal: int | None = None
    max_log_bytes: int | None = None
    owner: str = ""

    def order(self, cgroup_root: Path | None) -> Order:
        """This tool as its supervisor is told of it.

        Raises:
            ValueError: there is no command, or a path is not absolute.
        """
        if not self.argv:
            raise ValueError("argv is empty: there is no command to start")
        for path in (self.cwd, self.stdout, self.stderr):
            if not path.startswith("/"):
                raise ValueError(f"{path!r} is not an absolute path")
        return Order(
            argv=[os.fsencode(argument) for argument in self.argv],
            env={os.fsencode(name): os.fsencode(value) for name, value in self.env.items()},
            cwd=os.fsencode(self.cwd),
            stdout=os.fsencode(self.stdout),
            stderr=os.fsencode(self.stderr),
            max_log_bytes=self.max_log_bytes,
            cgroup_root=None if cgroup_root is None else os.fsencode(cgroup_root),
            owner=os.fsencode(self.owner),
        )
