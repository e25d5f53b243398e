"""`--result-file`: how a job ended, for the next step of a CI.

One `NAME=value` a line: `job`, `conclusion`, `halted_by`, `warnings`, `dirty`, then for each
output `output_STEP_NAME`, in which every character that is not a letter or digit became `_`. A
value that is not a one-line string is written as JSON, so no value can make a line of its own. The
file is replaced as a whole (mode 0600); `conclusion` is empty while the job has not finished.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from orchestrator.cli.client.errors import UsageMistake

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.cli.client.wire import Job


class ResultFile:
    """The file that was named, or none."""

    def __init__(self, path: str | None) -> None:
        self._path = Path(path).resolve() if path else None

    def check(self) -> None:
        """Whether it can be written, to be asked before anything is submitted."""
        if self._path is None:
            return
        directory = self._path.parent
        if not directory.is_dir() or not os.access(directory, os.W_OK | os.X_OK):
            raise UsageMistake(f"--result-file: cannot write in {directory}")
        if self._path.exists() and not self._path.is_file():
            raise UsageMistake(f"--result-file: {self._path} is not a regular file")

    def write(self, job: Job) -> None:
        """Replace the file by what is known of the job."""
        if self._path is None:
            return
        beside = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(result_text(job))
            beside.replace(self._path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise


def result_text(job: Job) -> str:
    """What the file holds."""
    values = {
        "job": job["id"],
        "conclusion": job["conclusion"] or "",
        "halted_by": job["halted_by"] or "",
        "warnings": job["warnings"],
        "dirty": job["dirty"],
    }
    for step in job.get("steps", ()):
        for name, value in step["outputs"].items():
            values[f"output_{_plain(step['name'])}_{_plain(name)}"] = value
    return "".join(f"{name}={value_line(value)}\n" for name, value in values.items())


def value_line(value: object) -> str:
    """A value on one line: a string as it is, unless it has control characters; else JSON."""
    if isinstance(value, str) and value.isprintable():
        return value
    return json.dumps(value, ensure_ascii=False)


def _plain(name: str) -> str:
    return "".join(
        character if character.isascii() and character.isalnum() else "_" for character in name
    )
