"""A refusal is told once a minute for each user and kind."""

import structlog

from orchestrator.core.language.commands import Caller
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.rejections import NotDraining, UnknownJob
from orchestrator.engine.authorization import WINDOW, RefusalLog

ADA = Caller(uid=1000, user="ada")
BOB = Caller(uid=1001, user="bob")


class SetClock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.boot = 0

    def now(self) -> Instant:
        return Instant(utc=0, boot=self.boot, boot_id="b")


def test_a_refusal_is_told_each_minute() -> None:
    """The same refusal is told once a minute, with how many there were."""
    clock = SetClock()
    refusals = RefusalLog(clock)
    with structlog.testing.capture_logs() as logs:
        for _ in range(5):
            refusals.note(ADA, UnknownJob(7))
        refusals.note(BOB, UnknownJob(7))
        refusals.note(ADA, NotDraining())
        clock.boot = WINDOW
        refusals.note(ADA, UnknownJob(8))
    told = [(entry["user"], entry["kind"], entry["left_out_before"]) for entry in logs]
    assert told == [
        ("ada", "unknown-job", 0),
        ("bob", "unknown-job", 0),
        ("ada", "not-draining", 0),
        ("ada", "unknown-job", 4),
    ]


def test_what_is_remembered_is_bounded() -> None:
    clock = SetClock()
    refusals = RefusalLog(clock)
    with structlog.testing.capture_logs():
        for uid in range(5000):
            clock.boot += WINDOW
            refusals.note(Caller(uid=uid, user="u"), NotDraining())
    assert len(refusals._told) <= 1000
