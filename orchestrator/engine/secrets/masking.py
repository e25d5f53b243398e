"""Hides secret values in what is shown and kept: pure, and the same however text is cut up.

In bytes (logs) each byte of a secret becomes `*`, so that offsets stay what they were; a line end
stays a line end. In text (reasons, outputs, events) a secret becomes `***`. What must not be
shown of one attempt (`Hidden`) may grow while the attempt works.
"""

import base64
import contextlib
import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec

from orchestrator.core.language.model import Job, StepRef
from orchestrator.engine.paths import Paths

SHORTEST = 4
"""Characters. Masking shorter values would leave nothing readable, and tell them by where they
stand; so shorter secrets are refused, and shorter lines of longer ones stay."""
HIDDEN = "***"
"""What stands in text for a secret."""

_WRAPPED_BASE64 = (64, 76)  # columns: openssl, and base64(1) as MIME
_WRAPPED_HEX = 60  # columns: xxd -p
_URL_SAFE = ("", "/", "!'()*", "!'()*;/?:@&=+$,#")  # strict, Python, and the two of JavaScript
_HINT = 8  # bytes by which the beginning of a form is looked for


class Masks(msgspec.Struct, frozen=True):
    """Every form of some secrets, as bytes to look for. Without any it hides nothing."""

    forms: tuple[bytes, ...] = ()

    @staticmethod
    def of(values: Iterable[object]) -> "Masks":
        """What hides these values: texts, numbers, and those inside of tables and lists."""
        found: set[bytes] = set()
        for text in set(texts_of(values)):
            found.update(_forms(text))
        return Masks(tuple(sorted(found, key=lambda form: (-len(form), form))))

    def __bool__(self) -> bool:
        return bool(self.forms)

    @property
    def longest(self) -> int:
        """Bytes of the longest form, 0 without any."""
        return len(self.forms[0]) if self.forms else 0

    def hide(self, raw: bytes) -> bytes:
        """The same with `*` for each byte of every secret, those that overlap too."""
        masked: bytearray | None = None
        for begin, end in self._found(raw):
            if masked is None:
                masked = bytearray(raw)
            masked[begin:end] = _stars(raw[begin:end])
        return raw if masked is None else bytes(masked)

    def text(self, text: str) -> str:
        """The same with `***` for every secret."""
        raw = text.encode(errors="surrogatepass")
        shown, at = b"", 0
        for begin, end in _united(self._found(raw)):
            shown += raw[at:begin] + HIDDEN.encode()
            at = end
        return (shown + raw[at:]).decode(errors="replace") if at else text

    def value(self, value: Any) -> Any:
        """What JSON can say, with every secret in it hidden."""
        match value:
            case _ if not self.forms:
                return value
            case str():
                return self.text(value)
            case Mapping():
                return {self.value(key): self.value(inner) for key, inner in value.items()}
            case list() | tuple():
                return [self.value(inner) for inner in value]
            case int() | float() if self.text(str(value)) != str(value):
                return HIDDEN
            case _:
                return value

    def open_end(self, raw: bytes) -> int:
        """Where the longest end of `raw` begins that may be the beginning of a secret."""
        first = len(raw)
        for form in self.forms:
            for begin in _beginnings(raw, form):
                first = min(first, begin)
        return first

    def _found(self, raw: bytes) -> Iterator[tuple[int, int]]:
        for form in self.forms:
            at = raw.find(form)
            while at >= 0:
                yield at, at + len(form)
                # From the next byte, not from the end: a form may overlap itself, and of `ababab`
                # the secret `abab` would leave `ab` (decision 0015).
                at = raw.find(form, at + 1)


class MaskingStream:
    """Hides secrets in bytes that come piece by piece; at most `masks.longest` wait for more."""

    def __init__(self, masks: Masks) -> None:
        self._masks = masks
        self._before = b""  # was given out; a secret may begin in it
        self._waiting = b""
        self.hid = False  # whether anything was hidden so far

    def feed(self, piece: bytes) -> bytes:
        """What can be given out now, of this piece and those before."""
        self._waiting += piece
        return self._give(self._masks.open_end(self._waiting))

    def close(self) -> bytes:
        """The rest: nothing comes any more."""
        return self._give(len(self._waiting))

    def _give(self, size: int) -> bytes:
        raw = self._before + self._waiting
        shown = self._masks.hide(raw)[len(self._before) : len(self._before) + size]
        given = self._before + self._waiting[:size]
        self.hid = self.hid or not given.endswith(shown)
        # What was given out may end in the midst of a secret, where another one may begin: its
        # second half is recognised only together with the first.
        self._before = given[max(0, len(given) - max(0, self._masks.longest - 1)) :]
        self._waiting = self._waiting[size:]
        return shown


def _stars(secret: bytes) -> bytes:
    if b"\n" not in secret:
        return b"*" * len(secret)
    return b"\n".join(b"*" * len(line) for line in secret.split(b"\n"))


def _united(found: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The ranges in order, those that touch as one."""
    first, last = -1, -1
    for begin, end in sorted(found):
        if begin > last:
            if first >= 0:
                yield first, last
            first, last = begin, end
        last = max(last, end)
    if first >= 0:
        yield first, last


def _beginnings(raw: bytes, form: bytes) -> Iterator[int]:
    """Where an end of `raw` begins that is a beginning of the form and not all of it."""
    begin = max(0, len(raw) - len(form) + 1)
    at = raw.find(form[:_HINT], begin)
    while at >= 0:
        if form.startswith(raw[at:]):
            yield at
            return
        at = raw.find(form[:_HINT], at + 1)
    for at in range(max(begin, len(raw) - _HINT + 1), len(raw)):
        if form.startswith(raw[at:]):
            yield at
            return


def texts_of(values: Iterable[object]) -> Iterator[str]:
    """The texts and numbers in these values, inside of tables and lists too."""
    for value in values:
        yield from _texts(value)


def _texts(value: object) -> Iterator[str]:
    """The texts and numbers in a value; true, false and nothing are no secrets."""
    match value:
        case str():
            yield value
        case bool() | None:
            return
        case int() | float():
            yield str(value)
        case Mapping():
            for inner in value.values():
                yield from _texts(inner)
        case list() | tuple():
            for inner in value:
                yield from _texts(inner)
        case _:
            yield str(value)


def _forms(text: str) -> Iterator[bytes]:
    """All that a secret may look like; of one of several lines, each line too."""
    for part in {text, text.strip(), *(line.strip() for line in text.splitlines())}:
        if len(part.strip()) >= SHORTEST:
            yield from (form for form in _spellings(part) if len(form) >= SHORTEST)


def _spellings(text: str) -> Iterator[bytes]:
    raw = text.encode(errors="surrogatepass")
    yield raw
    yield from _base64(raw)
    yield from _hex(raw)
    for url in _urls(raw):
        yield url.encode()
        yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), url).encode()
    for escaped in _json(text):
        yield escaped.encode(errors="surrogatepass")
    for quoted in (shlex.quote(text), text.replace("'", "'\\''")):  # as `set -x` shows it
        yield quoted.encode(errors="surrogatepass")


def _base64(raw: bytes) -> Iterator[bytes]:
    """In whichever of the three places of its groups it begins; whole; and in lines."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw)
        # Without the characters at both ends that also hold bits of a neighbour: they change with
        # what stands beside, and the form would match nowhere else.
        sure = encoded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        yield from _alphabets(sure)
    for whole in (base64.b64encode(raw), base64.b64encode(raw + b"\n")):
        yield from _alphabets(whole)
        for columns in _WRAPPED_BASE64:
            for line in _lines(whole, columns):
                yield from _alphabets(line)


def _alphabets(encoded: bytes) -> tuple[bytes, bytes]:
    return encoded, encoded.replace(b"+", b"-").replace(b"/", b"_")


def _hex(raw: bytes) -> Iterator[bytes]:
    whole = raw.hex().encode()
    for line in (whole, *_lines(whole, _WRAPPED_HEX)):
        yield line
        yield line.upper()


def _lines(whole: bytes, columns: int) -> Iterator[bytes]:
    """The lines that a tool makes of what is longer than one."""
    if len(whole) > columns:
        for at in range(0, len(whole), columns):
            yield whole[at : at + columns]


def _urls(raw: bytes) -> Iterator[str]:
    yield quote_plus(raw)
    for safe in _URL_SAFE:
        yield quote(raw, safe=safe)


def _json(text: str) -> Iterator[str]:
    for ascii_only in (True, False):
        escaped = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield escaped
        yield escaped.replace("/", "\\/")
        yield re.sub("[<>&]", lambda found: f"\\u{ord(found[0]):04x}", escaped)
        yield re.sub(r"\\u[0-9a-f]{4}", lambda found: "\\u" + found[0][2:].upper(), escaped)


class Hidden:
    """The secrets that an attempt may come to know, and what hides them."""

    def __init__(self, values: Iterable[object] = ()) -> None:
        self._values = list(values)
        self.masks = Masks.of(self._values)

    def add(self, value: object) -> None:
        """Hide this from now on, too."""
        self._values.append(value)
        self.masks = Masks.of(self._values)


def sensitive_values(paths: Paths, job: Job) -> Iterator[object]:
    """The outputs of a job's attempts that are only for its later steps."""
    for step in job.steps:
        for attempt in range(1, step.attempt + 1):
            if attempt == step.attempt and not step.sensitive:
                continue
            file = paths.sensitive_outputs(StepRef(job=job.id, step=step.name, attempt=attempt))
            # People may delete the directory of a finished job, and a power cut may empty a file.
            # What is not known any more is not hidden; raising would end the daemon at each start.
            with contextlib.suppress(FileNotFoundError, NotADirectoryError, ValueError):
                yield from json.loads(file.read_text(encoding="utf-8")).values()
