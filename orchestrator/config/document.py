"""One TOML file of a configuration: its values, and what is found wrong with it."""

import math
import re
import tomllib
from typing import Any

from orchestrator.config.mistake import Mistake
from orchestrator.config.places import Places
from orchestrator.core.values.references import Path

_DEEPEST = 40
_TOML_PLACE = re.compile(r"^(?P<text>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|.*)\)$")


class Document:
    """A file's values (`data`), and the mistakes reported about it so far.

    `data` is empty when the file could not be parsed; `parsed` says so.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.text = ""
        self.data: dict[str, Any] = {}
        self.parsed = False
        self._places: Places | None = None
        self._findings: list[tuple[Path, str]] = []
        self._mistakes: list[Mistake] = []

    @property
    def places(self) -> Places:
        """Where each key stands; looked up when first asked for."""
        if self._places is None:
            self._places = Places(self.text)
        return self._places

    @property
    def findings(self) -> int:
        """How many mistakes have been reported."""
        return len(self._findings) + len(self._mistakes)

    def report(self, path: Path, text: str) -> None:
        """Say that what stands at `path` is wrong."""
        self._findings.append((path, text))

    def report_line(self, line: int, text: str) -> None:
        """Say that the file itself is wrong at a line."""
        last = self.text.count("\n") + (not self.text.endswith("\n"))
        self._mistakes.append(Mistake(self.file, max(1, min(line, last)), "", one_line(text)))

    def mistakes(self) -> list[Mistake]:
        """Every mistake reported, with its line."""
        located = [
            Mistake(self.file, self.places.line(path), self.key(path), one_line(text))
            for path, text in self._findings
        ]
        return self._mistakes + located

    def key(self, path: Path) -> str:
        """The path as people write it; an item of a list of tables goes by its name."""
        shown, value = "", self.data if self.parsed else None
        for part in path:
            value = _inside(value, part)
            if isinstance(part, str):
                shown += f".{_shown_key(part)}"
            elif isinstance(value, dict) and isinstance(value.get("name"), str) and value["name"]:
                shown += f".{_shown_key(value['name'])}"
            else:
                shown += f"[{part}]"
        return shown.removeprefix(".")

    def parse(self, raw: bytes) -> None:
        """Read the file's content; whatever is wrong with it is reported."""
        try:
            self.text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self.text = raw.decode(errors="replace")
            line = raw.count(b"\n", 0, error.start) + 1
            self.report_line(line, "this is not UTF-8: save the file as UTF-8")
            return
        try:
            self.data = tomllib.loads(self.text)
            self.parsed = True
        except tomllib.TOMLDecodeError as error:
            self._report_toml(str(error))
        except RecursionError:
            self.report_line(1, "lists or tables are nested too deeply")
        else:
            self._refuse_what_json_lacks(self.data, ())

    def _report_toml(self, message: str) -> None:
        found = _TOML_PLACE.match(message)
        text = _lower_first(found["text"] if found else message)
        if found is None or found["line"] is None:
            self.report_line(self.text.count("\n") + 1, f"{text}, at the end of the file")
        else:
            self.report_line(int(found["line"]), f"column {found['column']}: {text}")

    def _refuse_what_json_lacks(self, value: Any, path: Path) -> None:
        """A job keeps its definition as JSON, so what JSON cannot hold is refused here."""
        if len(path) > _DEEPEST:
            self.report(path[:_DEEPEST], "lists or tables are nested too deeply")
            return
        match value:
            case dict():
                for key, inner in value.items():
                    if "\0" in key:
                        self.report((*path, key), "a key cannot hold a NUL character")
                    self._refuse_what_json_lacks(inner, (*path, key))
            case list():
                for place, inner in enumerate(value):
                    self._refuse_what_json_lacks(inner, (*path, place))
            case _ if (problem := _unusable(value)) is not None:
                self.report(path, problem)


def _unusable(value: Any) -> str | None:
    match value:
        case bool():
            return None
        case str():
            return "a value cannot hold a NUL character" if "\0" in value else None
        case int():
            return None if -(2**63) <= value < 2**63 else "the number does not fit in 64 bits"
        case float():
            return None if math.isfinite(value) else "only finite numbers can be used"
        case _:
            return "dates and times are not supported: write it in quotes"


def _inside(value: Any, part: str | int) -> Any:
    match value, part:
        case dict(), str():
            return value.get(part)
        case list(), int() if part < len(value):
            return value[part]
        case _:
            return None


def _shown_key(key: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_-]+", key):
        return key
    return '"' + one_line(key).replace('"', '\\"') + '"'


def one_line(text: str) -> str:
    """The text on one line, with terminal escapes and other control characters made visible."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
