"""What the daemon logs: an error of ours, where there should be none, is a violation."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from orchestrator.engine.writer import WriterClosed


@contextmanager
def errors_of_ours() -> Iterator[list[str]]:
    """The exceptions that were logged, but for those of daemons that were killed."""
    found: list[str] = []

    def note(logger: Any, method: str, line: Any) -> Any:
        error = sys.exc_info()[1]
        if error is not None and line.get("exc_info") and not _is_of_the_dead(error):
            found.append(f"{line['event']}: {error!r}")
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[note])
    try:
        yield found
    finally:
        structlog.configure(**before)


def _is_of_the_dead(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return error.split(WriterClosed)[1] is None
    return isinstance(error, WriterClosed)
