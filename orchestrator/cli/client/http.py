"""One HTTP/1.1 response, read from bytes: no sockets here, so every cut and limit can be tested.

The standard library's client costs as much as an interpreter's whole start, and cannot be driven
by `poll` for several streams at once.
"""

from __future__ import annotations

import enum

from orchestrator.cli.client.errors import AnswerLost, NotHttp

HEAD_LIMIT = 64 * 1024
"""Bytes of status line and headers (trailers too) that we read before we call it not HTTP."""
SIZE_LINE_LIMIT = 1024
"""Bytes of the line that says a chunk's size."""


class Part(enum.Enum):
    """What the next bytes are."""

    HEAD = "head"
    COUNTED = "counted"  # a body of known length
    CHUNK_SIZE = "chunk size"
    CHUNK = "chunk"
    CHUNK_END = "chunk end"
    TRAILERS = "trailers"
    UNTIL_CLOSE = "until close"
    DONE = "done"


class Response:
    """Fed with what was received, gives the body's pieces and keeps status and headers.

    `status` is 0 until the head is whole. Header names are lower case; of a repeated header the
    last counts. `NotHttp` is raised for anything malformed or beyond a limit.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self._part = Part.HEAD
        self._buffer = bytearray()
        self._left = 0

    @property
    def complete(self) -> bool:
        """Whether the last byte of the body was seen."""
        return self._part is Part.DONE

    def feed(self, data: bytes) -> bytes:
        """Take what was received; return what of the body became readable by it."""
        self._buffer += data
        body = bytearray()
        while self._step(body):
            pass
        return bytes(body)

    def end(self) -> None:
        """The other side closed. Raises AnswerLost if the answer was not whole."""
        if self._part is Part.UNTIL_CLOSE:
            self._part = Part.DONE
        if self._part is not Part.DONE:
            raise AnswerLost("the daemon closed the connection before its answer was whole")

    def _step(self, body: bytearray) -> bool:
        """Consume one part if all of it (of a body: any of it) is there; whether to go on."""
        match self._part:
            case Part.HEAD:
                return self._head()
            case Part.CHUNK_SIZE:
                return self._chunk_size()
            case Part.COUNTED:
                return self._counted(body, Part.DONE)
            case Part.CHUNK:
                return self._counted(body, Part.CHUNK_END)
            case Part.CHUNK_END:
                return self._chunk_end()
            case Part.TRAILERS:
                return self._trailers()
            case Part.UNTIL_CLOSE:
                body += self._buffer
                self._buffer.clear()
                return False
            case Part.DONE:
                return False

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _line(self, limit: int) -> bytes | None:
        """The next line without its end, or None while it is not whole."""
        end = self._buffer.find(b"\n")
        if (end if end >= 0 else len(self._buffer)) > limit:
            raise NotHttp(f"the daemon's answer has a line of more than {limit} bytes")
        return self._take(end + 1).rstrip(b"\r\n") if end >= 0 else None

    def _head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if (end if end >= 0 else len(self._buffer)) > HEAD_LIMIT:
            raise NotHttp(f"the daemon's answer has more than {HEAD_LIMIT} bytes of headers")
        if end < 0:
            if self._buffer[:5] != b"HTTP/"[: len(self._buffer)]:
                raise NotHttp("what listens there does not speak HTTP/1.1")
            return False
        first, *lines = self._take(end + 4)[:-4].decode("latin-1").split("\r\n")
        self.status = _status(first)
        self.headers = dict(_header(line) for line in lines)
        if self.status >= 200:  # 1xx announces the answer that follows
            self._part = self._body_part()
        return True

    def _body_part(self) -> Part:
        coding = self.headers.get("transfer-encoding", "").lower()
        if self.status in (204, 304):
            return Part.DONE
        if coding == "chunked":
            return Part.CHUNK_SIZE
        if coding:
            raise NotHttp(f"the daemon's answer has an unknown transfer coding, {coding[:40]!r}")
        length = self.headers.get("content-length")
        if length is None:
            return Part.UNTIL_CLOSE
        self._left = _number(length, 10)
        return Part.COUNTED if self._left else Part.DONE

    def _counted(self, body: bytearray, then: Part) -> bool:
        piece = self._take(min(self._left, len(self._buffer)))
        body += piece
        self._left -= len(piece)
        if self._left:
            return False
        self._part = then
        return True

    def _chunk_size(self) -> bool:
        line = self._line(SIZE_LINE_LIMIT)
        if line is None:
            return False
        self._left = _number(line.split(b";")[0].strip().decode("latin-1"), 16)
        self._part = Part.CHUNK if self._left else Part.TRAILERS
        return True

    def _chunk_end(self) -> bool:
        line = self._line(SIZE_LINE_LIMIT)
        if line:
            raise NotHttp("a chunk of the daemon's answer is longer than it said")
        if line is None:
            return False
        self._part = Part.CHUNK_SIZE
        return True

    def _trailers(self) -> bool:
        line = self._line(HEAD_LIMIT)
        if line == b"":
            self._part = Part.DONE
        return line is not None


def _status(line: str) -> int:
    version, _, rest = line.partition(" ")
    code = rest[:3]
    if not version.startswith("HTTP/1.") or len(code) != 3 or not code.isdecimal():
        raise NotHttp(f"the daemon's answer begins with {line[:40]!r}, which is not HTTP/1.1")
    return int(code)


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name or name != name.strip():
        raise NotHttp(f"the daemon's answer has a malformed header, {line[:40]!r}")
    return name.lower(), value.strip()


def _number(text: str, base: int) -> int:
    digits = "0123456789abcdefABCDEF" if base == 16 else "0123456789"
    if not text or len(text) > 15 or text.strip(digits):
        raise NotHttp(f"the daemon's answer has a malformed length, {text[:40]!r}")
    return int(text, base)


_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def quoted(text: str, keep: bytes = b"") -> str:
    """A path or query value, percent-encoded; `keep` are more bytes to leave as they are."""
    safe = _PLAIN.union(keep)
    return "".join(
        chr(byte) if byte in safe else f"%{byte:02X}"
        for byte in text.encode("utf-8", "surrogateescape")
    )


def request(method: str, target: str, headers: dict[str, str], body: bytes | None) -> bytes:
    """The bytes of one request on a connection that is closed after its answer."""
    if not all(value.isprintable() for value in headers.values()):
        raise ValueError("a header's value has a control character")
    lines = [f"{method} {target} HTTP/1.1", "Host: orchestrator", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "backslashreplace") + (body or b"")
