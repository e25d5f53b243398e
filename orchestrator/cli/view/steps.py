"""The steps of a job as lines."""

from __future__ import annotations

from orchestrator.cli.view.escapes import harmless
from orchestrator.cli.view.terminal import table
from orchestrator.cli.view.times import between, clock, instant, roughly, since
from orchestrator.cli.view.words import coloured, mark, spoken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.cli.client.wire import Job, Progress, Step
    from orchestrator.cli.view.terminal import Terminal

SILENT_SECONDS = 120
"""After so long without output a running step is called silent."""


def step_lines(job: Job, terminal: Terminal, now: float) -> list[str]:
    """The steps under their sections and stages, columns aligned over all of them."""
    steps = _grouped(job["steps"])
    rows = table((_row(step, terminal, now) for step in steps), indent="    ")
    lines: list[str] = []
    section = stage = None
    for step, row in zip(steps, rows, strict=True):
        if step.get("section", "steps") != section:
            section, stage = step.get("section", "steps"), None
            lines.append(f"  {harmless(section)}")
        if step["stage"] != stage:
            stage = step["stage"]
            lines += [f"    stage {harmless(stage)}"] if stage else []
        lines.append(row)
        lines += [f"      warning: {harmless(text)}" for text in step.get("warnings") or ()]
    return lines


def _grouped(steps: list[Step]) -> list[Step]:
    """The steps in their order, but those of one stage together, where its first stands."""
    first: dict[object, int] = {}
    for place, step in enumerate(steps):
        first.setdefault(_group(step, place), place)
    by_group = sorted(enumerate(steps), key=lambda one: (first[_group(one[1], one[0])], one[0]))
    return [step for _, step in by_group]


def _group(step: Step, place: int) -> object:
    return (step.get("section", "steps"), step["stage"]) if step["stage"] else place


def is_at_work(job: Job) -> bool:
    """Whether a step of it is at work."""
    return any(step["phase"] not in ("pending", "finished") for step in job["steps"])


def step_state(step: Step) -> str:
    """The conclusion of a finished step, the phase of another."""
    return step["conclusion"] or step["phase"]


def _row(step: Step, terminal: Terminal, now: float) -> list[str]:
    state = step_state(step)
    sign = mark(state, terminal)
    note = step_note(step, now, brief=bool(sign))
    return [
        "  " * bool(step["stage"]) + f"{sign} {harmless(step['name'])}".lstrip(),
        harmless(step["uses"]),
        between(step["started_at"], step["finished_at"], now),
        coloured(note, state, terminal) if state != "success" else note,
    ]


def step_note(step: Step, now: float, brief: bool = False) -> str:
    """What is to be said of a step; `brief` leaves "success" and "pending" to their marks."""
    state = step_state(step)
    if state in ("skipped", "not_run"):
        return _not_run(step)
    if step["conclusion"] is None:
        waits = state == "pending" and not step["next_attempt_at"]
        return "" if brief and waits else _at_work(step, now)
    detail = _detail(step)
    if state == "success" and brief:
        return detail
    if not detail or detail.startswith("("):
        return f"{spoken(state)} {detail}".rstrip()
    return f"{spoken(state)}: {detail}"


def _not_run(step: Step) -> str:
    """`not run: halted by plan (exit 0: no changes)`, `skipped by canary (exit 3)`."""
    word, why = spoken(step_state(step)), harmless(step["reason"] or "")
    if why.startswith(word):
        return why
    return f"{word}: {why}" if why else word


def _detail(step: Step) -> str:
    why = _why(step)
    return f"{why} in {_attempt(step)}".lstrip() if step["attempt"] > 1 else why


def _why(step: Step) -> str:
    parts = [harmless(step["reason"])] if step["reason"] else []
    if step["signal"]:
        parts.append(f"(signal {harmless(step['signal'])})")
    elif step["exit"] is not None and (step["exit"] or step["conclusion"] != "success"):
        parts.append(f"(exit {step['exit']})")
    return " ".join(parts)


def _attempt(step: Step) -> str:
    """`attempt 2 of 3`."""
    return f"attempt {step['attempt']}" + (f" of {step['attempts']}" if step["attempts"] else "")


def _at_work(step: Step, now: float) -> str:
    if step["next_attempt_at"]:
        return _between_attempts(step, now)
    parts = [spoken(step["phase"])]
    if step["attempt"] > 1:
        parts[0] += f" ({_attempt(step)})"
    if step["progress"]:
        parts.append(progress_text(step["progress"]))
    if step["waiting_for"]:
        when = f" since {since(step['waiting_since'], now)}" if step["waiting_since"] else ""
        parts.append(f"waits{when} for {harmless(step['waiting_for'])}")
    if step["last_output_at"] and now - instant(step["last_output_at"]) > SILENT_SECONDS:
        pid = f" (pid {step['pid']})" if step["pid"] else ""
        parts.append(f"silent for {roughly(now - instant(step['last_output_at']))}{pid}")
    return ", ".join(part for part in parts if part)


def _between_attempts(step: Step, now: float) -> str:
    """`attempt 1 of 3 failed: no route (exit 1), the next begins at 12:05 (in 10 s)`."""
    why = _why(step)
    separator = ": " if step["reason"] else " " if why else ""
    left = instant(step["next_attempt_at"] or "") - now
    when = f"at {clock(step['next_attempt_at'], now)} (in {roughly(left)})"
    if left <= 0:
        when = "with the next free slot"
    return f"{_attempt(step)} failed{separator}{why}, the next begins {when}"


def progress_text(progress: Progress) -> str:
    """`3/10 resources`."""
    numbers = "" if progress["done"] is None else str(progress["done"])
    if numbers and progress["total"]:
        numbers += f"/{progress['total']}"
    return f"{numbers} {harmless(progress['text'] or '')}".strip()
