"""How the daemon writes its log: for a person on a terminal, as JSON elsewhere.

Under journald each line carries its priority as `<N>` (sd-daemon(3)), so that `journalctl -p`
works. Control characters never reach a terminal raw.
"""

import logging
import os
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
"""What `--log-level` may be."""
PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2, "exception": 3}

Fields = MutableMapping[str, Any]


def configure(level: str = "info") -> None:
    """Write to stderr from now on what is at least as weighty as `level`."""
    terminal = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([_neutralise, structlog.dev.ConsoleRenderer()] if terminal else _json()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _json() -> list[Any]:
    return [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(default=str),
        *([_Prioritise()] if "JOURNAL_STREAM" in os.environ else []),
    ]


def neutral(text: str) -> str:
    """The text with control characters as visible escapes; newlines and tabs stay."""
    return "".join(
        character
        if character.isprintable() or character in "\n\t"
        else character.encode("unicode_escape").decode()
        for character in text
    )


def _neutralise(logger: Any, method: str, fields: Fields) -> Fields:
    return {
        name: neutral(value) if isinstance(value, str) else value for name, value in fields.items()
    }


class _Prioritise:
    def __call__(self, logger: Any, method: str, line: str) -> str:
        return f"<{PRIORITIES.get(method, 6)}>{line}"
