"""What was committed, handed to whoever watches."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import trio

from orchestrator.core.language.events import Stamped

DEPTH = 1000
"""Batches that a reader may be behind before its channel is closed."""


class Recorded(msgspec.Struct, frozen=True):
    """One committed line of the journal and its id."""

    id: int
    stamped: Stamped


Batch = tuple[Recorded, ...]


class Feed:
    """Publishes committed events. A reader that lags too far is cut off and reads the store."""

    def __init__(self) -> None:
        self._readers: set[trio.MemorySendChannel[Batch]] = set()

    def publish(self, batch: Batch) -> None:
        """Hand a batch to every reader; never waits."""
        for reader in list(self._readers):
            try:
                reader.send_nowait(batch)
            except (trio.WouldBlock, trio.BrokenResourceError):
                self._readers.discard(reader)
                reader.close()

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[trio.MemoryReceiveChannel[Batch]]:
        """A channel of the batches committed from now on. It ends when the reader lags."""
        send, receive = trio.open_memory_channel[Batch](DEPTH)
        self._readers.add(send)
        try:
            yield receive
        finally:
            self._readers.discard(send)
            send.close()
            receive.close()
