"""Server-sent events, read from bytes."""

from __future__ import annotations

from orchestrator.cli.client.errors import NotHttp

EVENT_LIMIT = 16 * 1024 * 1024
"""Bytes of one event that we hold before we call it not an event stream."""


class ServerEvent:
    """One event. `id` is the last id that the stream has given, "" if none."""

    __slots__ = ("data", "id", "type")

    def __init__(self, type: str, data: str, id: str) -> None:
        self.type = type
        self.data = data
        self.id = id


class EventReader:
    """Fed with the body's pieces, gives the events that they complete. Comments are dropped."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._type = ""
        self._data: list[str] = []
        self._id = ""

    def feed(self, piece: bytes) -> list[ServerEvent]:
        """Take a piece of the body; return the events that are whole now."""
        self._buffer += piece
        if len(self._buffer) + sum(map(len, self._data)) > EVENT_LIMIT:
            raise NotHttp(f"the daemon sent an event of more than {EVENT_LIMIT} bytes")
        *lines, rest = self._buffer.split(b"\n")
        self._buffer = bytearray(rest)
        events = (
            self._line(bytes(line).rstrip(b"\r").decode("utf-8", "replace")) for line in lines
        )
        return [event for event in events if event is not None]

    def _line(self, line: str) -> ServerEvent | None:
        if not line:
            return self._dispatch()
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._type = value
        elif field == "data":
            self._data.append(value)
        elif field == "id":
            self._id = value
        return None

    def _dispatch(self) -> ServerEvent | None:
        kind, data = self._type or "message", self._data
        self._type, self._data = "", []
        return ServerEvent(kind, "\n".join(data), self._id) if data else None
