"""What is wrong with a configuration, and where."""

from collections.abc import Sequence

import msgspec


class Mistake(msgspec.Struct, frozen=True, order=True):
    """One mistake. `file` is relative to the configuration directory; `line` counts from 1.

    `key` is the dotted key (`steps.apply.with.dir`), empty where the whole file is meant.
    """

    file: str
    line: int
    key: str
    text: str

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key else ""
        return f"{self.file}:{self.line}: {key}{self.text}"


class ConfigurationInvalid(Exception):
    """The directory is no valid configuration; `mistakes` holds every mistake, in order."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))
