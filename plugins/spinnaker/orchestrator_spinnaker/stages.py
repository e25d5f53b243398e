"""How the stages of an execution get on: in the step's log, and as its progress."""

import sys
from collections.abc import Mapping
from typing import NamedTuple

from orchestrator.plugin import Step
from orchestrator_spinnaker.executions import Execution, Stage, Status
from orchestrator_spinnaker.notes import Notes
from orchestrator_spinnaker.settings import SpinnakerSettings
from orchestrator_spinnaker.times import duration


class Teller:
    """Says once of each stage that it began and how it ended, whatever becomes of the daemon."""

    def __init__(self, step: Step[SpinnakerSettings], notes: Notes) -> None:
        self._step = step
        self._notes = notes
        self._told = set(notes.told())
        self._warned: list[str] = []

    def once(self, what: str, line: str) -> bool:
        """Log a line that is known by `what`. Whether it was new."""
        if not self._is_new(what):
            return False
        self._step.log(line)
        self._remember(what)
        return True

    def warn_once(self, what: str, text: str) -> None:
        """A warning that is known by `what`.

        Written down with the next look, when it is journalled: better said twice than never.
        """
        if self._is_new(what):
            self._step.warn(text)
            self._told.add(_one_line(what))
            self._warned.append(what)

    def knows(self, what: str) -> bool:
        """Whether a line that is known by `what` was said."""
        return not self._is_new(what)

    def tell(self, execution: Execution) -> bool:
        """What is new since the last look. Whether anything was."""
        while self._warned:
            self._notes.tell(_one_line(self._warned.pop()))
        news = [self.once(happening.key, happening.line) for happening in happened(execution)]
        self._progress(execution)
        return any(news)

    def _progress(self, execution: Execution) -> None:
        counted = [stage for stage in execution.stages if stage.parent_stage_id is None]
        done = sum(stage.status.complete for stage in counted)
        at_work = [stage.name for stage in counted if stage.status in _AT_WORK]
        text = ", ".join(at_work)
        if execution.status is Status.PAUSED:
            text = f"paused: {text}" if text else "paused"
        self._step.progress(done, len(counted), text)

    def _is_new(self, what: str) -> bool:
        return _one_line(what) not in self._told

    def _remember(self, what: str) -> None:
        self._told.add(_one_line(what))
        self._notes.tell(_one_line(what))


def _one_line(text: str) -> str:
    return " ".join(text.split())


_AT_WORK = (Status.RUNNING, Status.PAUSED, Status.SUSPENDED)


class Happening(NamedTuple):
    """A stage began, or ended, at a time in UTC milliseconds.

    `rank` orders what came in the same one: a whole begins before its parts and ends after them.
    """

    at: int
    rank: int
    key: str
    line: str


def happened(execution: Execution) -> list[Happening]:
    """What has become of the stages so far, in the order in which it did."""
    by_id = {stage.id: stage for stage in execution.stages}
    found: list[Happening] = []
    for stage in execution.stages:
        wholes = _wholes(stage, by_id)
        name = "stage " + " > ".join(f'"{whole.name}"' for whole in (*wholes, stage))
        key = f"{stage.id} {stage.start_time}"
        depth = len(wholes)
        begin = stage.start_time
        if begin is not None:
            found.append(Happening(begin, depth, f"{key} began", f"{name} began"))
        if stage.status.complete:
            end, status = stage.end_time or begin or sys.maxsize, stage.status.value
            line = f"{name} {status}{_took(stage)}"
            found.append(Happening(end, 2 * len(by_id) - depth, f"{key} {status}", line))
    return sorted(found, key=lambda one: (one.at, one.rank))


def _wholes(stage: Stage, by_id: Mapping[str, Stage]) -> list[Stage]:
    """The stages that it is a part of, the outermost first."""
    found: list[Stage] = []
    whole = by_id.get(stage.parent_stage_id or "")
    while whole is not None and whole not in found:
        found.insert(0, whole)
        whole = by_id.get(whole.parent_stage_id or "")
    return found


def _took(stage: Stage) -> str:
    if stage.start_time is None or stage.end_time is None:
        return ""
    return f" after {duration((stage.end_time - stage.start_time) / 1000)}"
