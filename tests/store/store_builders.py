"""Small worlds for the store's tests."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.core.language.definition import (
    Configuration,
    EnvironmentDefinition,
    JobDefinition,
    PipelineDefinition,
    StepDefinition,
)
from orchestrator.core.language.events import (
    DaemonStarted,
    DefinitionRecorded,
    JobSubmitted,
    Stamped,
)
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import (
    Actor,
    Debt,
    Job,
    JobFinished,
    JobQueued,
    JobRunning,
    Run,
    Step,
)
from orchestrator.core.language.words import JobConclusion
from orchestrator.core.world.world import Changes
from orchestrator.store.protocol import Store

Opening = Callable[[Path], AbstractAsyncContextManager[Store]]
ADA = Actor(uid=1000, user="ada")
DIGEST = "d1"
STEPS = (Step(name="apply"),)


def at(milliseconds: int) -> Instant:
    return Instant(utc=milliseconds, boot=milliseconds, boot_id="b1")


def definition(pipeline: str = "web", environment: str = "production") -> JobDefinition:
    step = StepDefinition(name="apply", uses="command", config={"run": ["true"]})
    return JobDefinition(
        pipeline=PipelineDefinition(name=pipeline, kind="deploy", steps=(step,)),
        environment=EnvironmentDefinition(name=environment, locks=("vpc",)),
    )


def configuration(capacity: int = 8) -> Configuration:
    return Configuration(
        state_dir="/var/lib/orchestrator",
        socket="/run/orchestrator.sock",
        kinds={"deploy": ("deploy",)},
        capacity=capacity,
    )


def queued(id: int, **changed: object) -> Job:
    job = Job(
        id=id,
        pipeline="web",
        environment="production",
        kind="deploy",
        definition=DIGEST,
        submitter=ADA,
        submitted=at(id * 1000),
        rank=id * 1000,
        phase=JobQueued(since=at(id * 1000)),
        params={"version": "v1.2.3"},
    )
    return msgspec.structs.replace(job, **changed)


def running(id: int, **changed: object) -> Job:
    run = Run(started=at(id * 1000 + 1), excludes=("deploy",), locks=("vpc",))
    return queued(id, **{"phase": JobRunning(run=run), "steps": STEPS, **changed})


def finished(
    id: int,
    ended: int = 0,
    conclusion: JobConclusion = JobConclusion.SUCCESS,
    ran: bool = True,
    **changed: object,
) -> Job:
    run = Run(started=at(id * 1000), locks=("vpc",)) if ran else None
    phase = JobFinished(ended=at(ended or id * 1000 + 500), conclusion=conclusion, run=run)
    return queued(id, **{"phase": phase, "steps": STEPS, **changed})


def debt(job: int, definition: str = DIGEST) -> Debt:
    return Debt(
        job=job,
        pipeline="down",
        kind="cleanup",
        params={},
        definition=definition,
        submitter=ADA,
        since=at(5),
    )


def changes(*jobs: Job, **more: Any) -> Changes:
    return Changes(jobs={job.id: job for job in jobs}, definitions={DIGEST: definition()}, **more)


def started(milliseconds: int = 0, pid: int = 1) -> Stamped:
    return Stamped(at=at(milliseconds), by=None, event=DaemonStarted(version="0.1.0", pid=pid))


def recorded(milliseconds: int = 0) -> Stamped:
    event = DefinitionRecorded(digest=DIGEST, definition=definition())
    return Stamped(at=at(milliseconds), by=ADA, event=event)


def submitted(job: Job) -> Stamped:
    event = JobSubmitted(
        job=job.id,
        pipeline=job.pipeline,
        environment=job.environment,
        kind=job.kind,
        definition=job.definition,
        submitter=job.submitter,
        rank=job.rank,
        params=job.params,
        labels=job.labels,
        key=job.key,
    )
    return Stamped(at=job.submitted, by=ADA, event=event)
