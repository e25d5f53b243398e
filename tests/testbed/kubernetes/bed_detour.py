"""A way to a bed's API server that one test may block, while all others go on.

    python -m tests.testbed.kubernetes.bed_detour PORT

passes connections to this port of loopback on, and tells its own on stdout.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.testbed.common.bed_guard import die_with
from tests.testbed.kubernetes.bed import Bed

LOOPBACK = "127.0.0.1"
PIECE = 64 << 10


class Detour:
    """The process that passes on, and who goes through it."""

    def __init__(self, kubeconfig: Path, pid: int) -> None:
        self.kubeconfig = kubeconfig
        """The admin's, for the same server by this way."""
        self._pid = pid

    def freeze(self) -> None:
        """As if the API server had stopped: it accepts connections and answers nothing."""
        os.kill(self._pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on where it was."""
        os.kill(self._pid, signal.SIGCONT)


@contextlib.contextmanager
def detour(bed: Bed, directory: Path) -> Iterator[Detour]:
    """A new one, until the end of the block; its kubeconfig is a file of the directory."""
    command = [sys.executable, "-m", __name__, bed.access.server.rpartition(":")[2]]
    with subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        preexec_fn=die_with(os.getpid()),
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            there = f"https://{LOOPBACK}:{process.stdout.readline().strip()}"
            kubeconfig = directory / "by-a-detour.yaml"
            kubeconfig.touch(mode=0o600)
            kubeconfig.write_text(bed.kubeconfig.read_text().replace(bed.access.server, there))
            yield Detour(kubeconfig, process.pid)
        finally:
            process.kill()


async def _pass_on(port: int) -> None:
    async def both_ways(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_there, to_there = await asyncio.open_connection(LOOPBACK, port)
        await asyncio.gather(_copy(reader, to_there), _copy(from_there, writer))

    server = await asyncio.start_server(both_ways, LOOPBACK, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(_pass_on(int(sys.argv[1])))
