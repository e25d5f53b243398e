"""One event of the journal as a line."""

from __future__ import annotations

import json
import time

from orchestrator.cli.escapes import harmless
from orchestrator.cli.times import instant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orchestrator.cli.terminal import Terminal

_PLACED = ("id", "at", "by", "type", "job", "environment", "step")


def event_line(event: dict[str, Any], terminal: Terminal) -> str:
    """`2026-01-31 12:04:05  4711  job_finished  job 118 plan  production  by ada  k=v …`."""
    job = f"job {event['job']}" if event.get("job") is not None else ""
    step = harmless(event.get("step") or "")
    by = event.get("by")
    parts = [
        time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(instant(event["at"]))),
        str(event["id"]),
        terminal.paint(harmless(event["type"]), "bold"),
        f"{job} {step}".strip(),
        harmless(event.get("environment") or ""),
        f"by {harmless(by['user'])}" if by else "",
        *(_field(name, value) for name, value in event.items() if name not in _PLACED),
    ]
    return "  ".join(part for part in parts if part)


def _field(name: str, value: object) -> str:
    if value is None or value in ("", [], {}):
        return ""
    if name == "ending" and isinstance(value, dict):
        return harmless(_ending(value))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return harmless(f"{name}={text}")


def _ending(ending: dict[str, Any]) -> str:
    """`failure (exit 1): no route`, `skipped: only called after a failure`."""
    words = str(ending.get("conclusion")).replace("_", " ")
    if ending.get("signal"):
        words += f" (signal {ending['signal']})"
    elif ending.get("exit") is not None:
        words += f" (exit {ending['exit']})"
    return f"{words}: {ending['reason']}" if ending.get("reason") else words
