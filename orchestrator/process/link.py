"""The daemon's connection to the keeper, which it starts when there is none."""

import contextlib
import functools
import hashlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import trio

from orchestrator.process import identity, keeper, records
from orchestrator.process.errors import KeeperUnavailable

_LOG = "keeper.log"
_TRIES = 2
_PAUSE = 0.02  # seconds between tries while another keeper comes or goes
_KEEPER_FILES = (
    "keeper",
    "supervisor",
    "tool",
    "log_limit",
    "order",
    "records",
    "linux",
    "identity",
)


@functools.cache
def keeper_version() -> str:
    """Names the keeper's code: a keeper that runs other code is old and gets replaced."""
    digest = hashlib.sha256()
    for name in _KEEPER_FILES:
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    return digest.hexdigest()[:16]


class KeeperLink:
    """One connection, kept between requests."""

    def __init__(self, runtime_dir: Path, python: str, patience: float) -> None:
        self._runtime_dir = runtime_dir.absolute()
        self._python = python
        self._patience = patience
        self._connection: trio.socket.SocketType | None = None
        self._connecting = trio.Lock()

    async def send(self, request: bytes, descriptors: Sequence[int]) -> None:
        """Hand a request to a keeper of our version, started or replaced if need be.

        Raises:
            KeeperUnavailable: none could be started.
        """
        for _ in range(_TRIES):
            with trio.move_on_after(self._patience):
                await self._send(request, descriptors)
                return
            self.kill_keeper()  # it takes neither connections nor requests
        raise self._unavailable("it does not answer")

    async def _send(self, request: bytes, descriptors: Sequence[int]) -> None:
        numbers = b"".join(number.to_bytes(4, sys.byteorder) for number in descriptors)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)]
        while True:
            connection = await self._connected()
            try:
                await connection.sendmsg([request], rights)
                return
            except OSError:  # it died
                self._forget(connection)

    def close(self) -> None:
        """Close the connection; the keeper ends when it was the last."""
        if self._connection is not None:
            self._forget(self._connection)

    def kill_keeper(self) -> None:
        """Kill a keeper that does not answer, surely the one that holds the lock.

        Nothing but its socket is lost; what it forked goes on.
        """
        with contextlib.suppress(OSError, ValueError):
            pid, start_time = (self._runtime_dir / keeper.LOCK).read_text().split()
            descriptor = identity.open_pidfd(int(pid), int(start_time))
            if descriptor is not None:
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                os.close(descriptor)

    def _forget(self, connection: trio.socket.SocketType) -> None:
        connection.close()
        if self._connection is connection:
            self._connection = None

    async def _connected(self) -> trio.socket.SocketType:
        async with self._connecting:
            if self._connection is None:
                self._connection = await self._connect()
            return self._connection

    async def _connect(self) -> trio.socket.SocketType:
        while True:
            connection = await self._try_to_connect()
            if connection is None:
                await self._launch()
                continue
            try:
                hello = await connection.recv(256)
                if hello == records.HELLO + keeper_version().encode():
                    return connection
                await connection.send(records.RETIRE_REQUEST)
                await connection.recv(1)  # its end
            except OSError:
                pass
            except BaseException:
                connection.close()
                raise
            connection.close()

    async def _try_to_connect(self) -> trio.socket.SocketType | None:
        connection = trio.socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with _short_path(self._runtime_dir) as folder:
                await connection.connect(f"{folder}/{keeper.SOCKET}")
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
            connection.close()
            return None
        except BaseException:
            connection.close()
            raise
        return connection

    async def _launch(self) -> None:
        """Start a keeper. When another one holds the lock it is coming or going: pause."""
        command = [self._python, "-I", "-S", "-E", keeper.__file__]
        with self._log() as log:
            done = await trio.run_process(
                [*command, os.fspath(self._runtime_dir), keeper_version()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
                env=_loader_variables(),
            )
        if done.returncode == keeper.BUSY:
            await trio.sleep(_PAUSE)
        elif done.returncode != 0:
            raise self._unavailable(f"it ended with {done.returncode}")

    @contextlib.contextmanager
    def _log(self) -> Iterator[int]:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        try:
            self._runtime_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._runtime_dir / _LOG, flags, 0o600)
        except OSError as error:
            raise self._unavailable(f"cannot write there: {error.strerror}") from error
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _unavailable(self, why: str) -> KeeperUnavailable:
        return KeeperUnavailable(f"no process keeper: {why} (see {self._runtime_dir / _LOG})")


def _loader_variables() -> dict[str, str]:
    """Nothing of the daemon's variables but what an unusual Python needs to load at all."""
    return {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}


@contextlib.contextmanager
def _short_path(folder: Path) -> Iterator[str]:
    """A path of this folder that fits a socket's address, however long its own is."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
