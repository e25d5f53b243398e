"""The files of a configuration directory, and the names that they may give."""

import os
import re
import stat
from pathlib import Path

import msgspec

from orchestrator.config.document import Document, one_line
from orchestrator.core.language.rejections import near

MAIN = "orchestrator.toml"
FOLDERS = ("environments", "pipelines")
LARGEST = 8 * 1024 * 1024
"""Bytes of one file."""
LONGEST = 200
"""Characters of a name."""
_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Directory(msgspec.Struct, frozen=True):
    """Every file, parsed as far as it could be; environments and pipelines by name."""

    main: Document
    environments: dict[str, Document]
    pipelines: dict[str, Document]

    @property
    def documents(self) -> list[Document]:
        """All of them."""
        return [self.main, *self.environments.values(), *self.pipelines.values()]


def read_directory(directory: Path) -> Directory:
    """Read and parse every file. What is wrong with one is reported to its document."""
    main = _read(directory, Path(MAIN))
    _report_misspelled_folders(directory, main)
    return Directory(
        main=main,
        environments=_folder(directory, "environments", main),
        pipelines=_folder(directory, "pipelines", main),
    )


def _folder(directory: Path, folder: str, main: Document) -> dict[str, Document]:
    found: dict[str, Document] = {}
    seen: set[tuple[int, int]] = set()

    def unreadable(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            main.report_line(1, f"{folder}/ cannot be read: {error.strerror}: {error.filename}")

    for place, inner, files in os.walk(directory / folder, onerror=unreadable, followlinks=True):
        status = Path(place).stat()
        if (status.st_dev, status.st_ino) in seen:
            inner.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for file in sorted(files):
            if file.endswith(".toml") and not file.startswith("."):
                path = (Path(place) / file).relative_to(directory)
                name = str(path.relative_to(folder))[: -len(".toml")]
                found[name] = _read(directory, path)
                if (fault := name_fault(name)) is not None:
                    found[name].report_line(1, fault)
    return found


def _read(directory: Path, path: Path) -> Document:
    document = Document(one_line(str(path)))
    try:
        raw = _content(directory / path)
    except OSError as error:
        document.report_line(1, _unreadable(error, directory, path))
    else:
        document.parse(raw)
    return document


def _unreadable(error: OSError, directory: Path, path: Path) -> str:
    if isinstance(error, FileNotFoundError) and path == Path(MAIN):
        return (
            f"there is no such file in {directory}: "
            "name the configuration's directory, or write a first one with `orchestrator init`"
        )
    return f"cannot be read: {error.strerror or error}"


def _content(path: Path) -> bytes:
    """Opened without blocking: a named pipe must not hang the daemon."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError("it is not a regular file")
        if status.st_size > LARGEST:
            raise OSError(f"it is larger than {LARGEST // 1024 // 1024} MiB")
        return file.read(LARGEST)


def _report_misspelled_folders(directory: Path, main: Document) -> None:
    try:
        names = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
    except OSError:
        return
    for name in names:
        guess = near(name, FOLDERS)
        if guess and name not in FOLDERS:
            main.report_line(1, f"{one_line(name)}/ is not read; did you mean {guess[0]}/?")


def name_fault(name: str) -> str | None:
    """What is wrong with the name of an environment or pipeline, None if nothing is."""
    if len(name) > LONGEST:
        return f"the name is {len(name)} characters long; {LONGEST} are the most"
    for segment in name.split("/"):
        if not _SEGMENT.fullmatch(segment):
            return (
                f'"{segment}" is no name: use letters, digits, `-`, `_` and `.`, '
                "beginning with a letter or a digit"
            )
    return None
