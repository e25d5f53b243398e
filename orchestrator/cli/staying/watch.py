"""Watching one job until it has finished, through restarts of the daemon."""

from __future__ import annotations

import json
from time import monotonic

from orchestrator.cli.client.daemon import AWAY
from orchestrator.cli.client.errors import AnswerLost, NotHttp, WaitTimedOut
from orchestrator.cli.client.sse import EventReader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.cli.client.connection import Exchange
    from orchestrator.cli.client.daemon import Daemon
    from orchestrator.cli.client.sse import ServerEvent
    from orchestrator.cli.client.wire import Job

SILENT_SECONDS = 45.0
"""A stream without even a comment for so long (three keep-alives) is taken for lost."""


def open_watch(daemon: Daemon, job: int, attend: bool) -> Exchange:
    """The stream of a job's changes. With `attend` the job may depend on our staying."""
    return daemon.stream(f"/v1/jobs/{job}/watch", attend=attend)


def job_of(event: ServerEvent) -> Job | None:
    """The job that an event of this stream carries; None for an event of another type."""
    if event.type != "job":
        return None
    try:
        job: Job = json.loads(event.data)
    except ValueError as error:
        raise NotHttp("the daemon sent a job that is not JSON") from error
    return job


def watch_to_end(
    daemon: Daemon,
    job: int,
    changed: Callable[[Job], None],
    attend: bool = False,
    deadline: float | None = None,
    enough: Callable[[Job], bool] = lambda job: False,
) -> Job:
    """The finished job, or the job as soon as that is `enough`.

    `changed` is called at once and at each change before. `deadline` is on the monotonic clock;
    WaitTimedOut is raised when it comes first. A daemon that goes away is waited for (see
    `Daemon.returning`).
    """
    exchange = daemon.returning(lambda: open_watch(daemon, job, attend))
    while True:
        try:
            with exchange:
                for seen in changes(exchange, job, deadline):
                    changed(seen)
                    if seen["phase"] == "finished" or enough(seen):
                        return seen
            raise AnswerLost("the daemon ended the stream")
        except AWAY as error:
            exchange = daemon.returning(lambda: open_watch(daemon, job, attend), first=error)


def changes(exchange: Exchange, job: int, deadline: float | None) -> Iterator[Job]:
    """The job at each change, from what `open_watch` opened. Raises as `watch_to_end` does."""
    reader = EventReader()
    while not exchange.finished:
        for event in reader.feed(_receive(exchange, job, deadline)):
            seen = job_of(event)
            if seen is not None:
                yield seen


def _receive(exchange: Exchange, job: int, deadline: float | None) -> bytes:
    if deadline is None or deadline - monotonic() > SILENT_SECONDS:
        return exchange.receive(SILENT_SECONDS)
    try:
        return exchange.receive(deadline - monotonic())
    except AnswerLost:
        if monotonic() < deadline:
            raise
        raise WaitTimedOut(f"job {job} has not finished in that time; it goes on") from None
