"""One event of the journal as a line."""

from __future__ import annotations

import time

from orchestrator.cli.view.escapes import harmless
from orchestrator.cli.view.eventfields import field_text
from orchestrator.cli.view.times import instant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orchestrator.cli.view.terminal import Terminal

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
        *(harmless(field_text(event, name)) for name in event if name not in _PLACED),
    ]
    return "  ".join(part for part in parts if part)
