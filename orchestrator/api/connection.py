"""One client's connection, bounded in time: what hypercorn reads from and writes to.

hypercorn shields its writes from cancellation, so a client that stops reading would hold its
connection, and the daemon's stop, for ever; here every write has a deadline.
"""

import trio

SEND_SECONDS = 30.0
"""How long a client may take none of what it is sent."""


class ClientStream(trio.abc.HalfCloseableStream):
    """A connected unix socket whose peer is cut off when it stalls."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.socket = stream.socket
        self._stream = stream

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send. Raises trio.BrokenResourceError too when the client takes nothing for too long."""
        rest = memoryview(data)
        while rest:
            with trio.move_on_after(SEND_SECONDS) as patience:
                sent = await self._send_some(rest)
                rest = rest[sent:]
            if patience.cancelled_caught:
                self.cut()
                raise trio.BrokenResourceError("the client does not read")

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until something can be sent."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """What has arrived; b"" at the end."""
        return await self._stream.receive_some(max_bytes)

    async def send_eof(self) -> None:
        """Say that nothing more comes."""
        await self._stream.send_eof()

    async def aclose(self) -> None:
        """Close."""
        await self._stream.aclose()

    def cut(self) -> None:
        """Close at once; whoever waits on it sees a closed stream."""
        self.socket.close()

    async def _send_some(self, data: memoryview) -> int:
        try:
            return await self.socket.send(data)
        except OSError as error:
            raise trio.BrokenResourceError(str(error)) from error
