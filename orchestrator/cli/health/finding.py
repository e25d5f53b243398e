"""One thing that `doctor` looked at."""

from __future__ import annotations

from orchestrator.cli.client.exits import Exit


class HealthFinding:
    """`level` is `ok`, `warning` or `problem`; `exit` is what a problem makes of the status."""

    __slots__ = ("exit", "level", "subject", "text")

    def __init__(self, level: str, subject: str, text: str, exit: Exit = Exit.USAGE) -> None:
        self.level = level
        self.subject = subject
        self.text = text
        self.exit = exit

    def document(self) -> dict[str, str]:
        """As JSON."""
        return {"level": self.level, "subject": self.subject, "text": self.text}


def ok(subject: str, text: str) -> HealthFinding:
    """All is well."""
    return HealthFinding("ok", subject, text)


def warning(subject: str, text: str) -> HealthFinding:
    """It works, and somebody should look."""
    return HealthFinding("warning", subject, text)


def problem(subject: str, text: str, exit: Exit = Exit.USAGE) -> HealthFinding:
    """Something does not work."""
    return HealthFinding("problem", subject, text, exit)
