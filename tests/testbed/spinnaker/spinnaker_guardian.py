"""Runs one Spinnaker test bed: `python spinnaker_guardian.py DIRECTORY PROGRAMS [REDIS_PORT]`.

Without a port: redis and Orca, unless `redis` stands in the place of PROGRAMS: then redis alone.
With a port: Orca alone, on the redis of this port. See `bed_guard`.
"""

import contextlib
import functools
import socket
import sys
from pathlib import Path

from tests.testbed.common.bed_guard import Guardian, PortTaken, StartError, free_port, guard

ATTEMPTS = 5
JVM = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""A small heap, and quick to start: no test runs long enough to pay for more compiling."""
ARCHIVE = "orca.jsa"
"""The classes that Orca loads as it starts; with it, it starts in half the time."""


class SpinnakerGuardian(Guardian):
    """redis and Orca, or one of them."""

    leftovers = ("orca.port", "orca-tmp")
    archive = f"-XX:SharedArchiveFile={ARCHIVE}"
    """What becomes of the archive of classes: it is used, where it fits this Java."""

    def __init__(self, directory: Path, programs: Path | None, redis: int | None) -> None:
        super().__init__(directory)
        self.programs = programs
        self.redis = redis

    def start(self) -> dict[str, object]:
        """The ports are told as `redis` and `orca`."""
        if self.redis is None:
            self.redis = self._start_redis()
        if self.programs is None:
            return {"redis": self.redis}
        return {"redis": self.redis, "orca": self._start_orca(self.programs, self.redis)}

    def _start_redis(self) -> int:
        for _ in range(ATTEMPTS):
            port = free_port()
            where = ["--bind", "127.0.0.1", "--port", str(port)]
            self.spawn("redis", ["redis-server", *where, "--save", "", "--appendonly", "no"])
            with contextlib.suppress(PortTaken):
                self.await_ready("redis", functools.partial(self._is_ours, port))
                return port
            self.end()
        raise StartError(f"no free port in {ATTEMPTS} attempts")

    def _is_ours(self, port: int) -> bool:
        """Whether this redis answers: not that of somebody who was faster."""
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), timeout=5) as connection,
        ):
            connection.sendall(b"INFO server\r\n")
            return f"process_id:{self.children['redis'].pid}\r".encode() in connection.recv(65536)
        return False

    def _start_orca(self, programs: Path, redis: int) -> int:
        told = self.directory / "orca.port"  # written by Orca once it serves
        temporary = self.directory / "orca-tmp"  # killed, it leaves directories there
        temporary.mkdir(exist_ok=True)
        # The archive is of classes on this very path: a relative one, for builds are moved.
        path = ["bed.jar", *sorted(f"lib/{jar.name}" for jar in (programs / "lib").iterdir())]
        self.spawn(
            "orca",
            [
                *("java", *JVM, self.archive, "-cp", ":".join(path)),
                "-Dspring.config.additional-location=file:orca.yml",
                f"-Dredis.connection=redis://127.0.0.1:{redis}",
                f"-Dbed.directory={self.directory}",
                f"-Djava.io.tmpdir={temporary}",
                "bed.Orca",
            ],
            cwd=programs,
        )
        self.await_ready("orca", told.exists)
        return int(told.read_text())


def main(directory: str, programs: str, redis: str | None = None) -> None:
    """Runs until the last user is gone."""
    wanted = None if programs == "redis" else Path(programs)
    guard(SpinnakerGuardian(Path(directory), wanted, int(redis) if redis else None))


if __name__ == "__main__":
    main(*sys.argv[1:])
