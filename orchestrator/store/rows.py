"""Entities as rows and back. JSON throughout: tags are permanent, new fields have defaults."""

from collections.abc import Sequence

import msgspec

from orchestrator.core.language.definition import Configuration, JobDefinition
from orchestrator.core.language.events import Stamped
from orchestrator.core.language.model import Drain, Environment, Job, JobFinished
from orchestrator.core.world.transaction import InForce
from orchestrator.core.world.world import Changes
from orchestrator.store.protocol import PhaseName

_encoder = msgspec.json.Encoder()
decode_line = msgspec.json.Decoder(Stamped).decode
decode_job = msgspec.json.Decoder(Job).decode
decode_environment = msgspec.json.Decoder(Environment).decode
decode_definition = msgspec.json.Decoder(JobDefinition).decode
decode_configuration = msgspec.json.Decoder(Configuration).decode
decode_drain = msgspec.json.Decoder(Drain).decode

Row = tuple[str | int | None, ...]


class Batch(msgspec.Struct, frozen=True):
    """One transaction as rows, in the order in which they can be written.

    `drain` of None leaves it as it is, `(None,)` ends it. `spent` is the highest number that no job
    gets any more, None where that is as before.
    """

    lines: list[tuple[int, str]]
    definitions: list[Row]
    configuration: tuple[str, str, int | None] | None
    jobs: list[Row]
    labels: list[Row]
    environments: list[Row]
    gone: list[Row]
    drain: tuple[str | None] | None
    spent: int | None


def encode_batch(events: Sequence[Stamped], changes: Changes, drain: Drain | None) -> Batch:
    """Everything that a transaction writes."""
    environments = changes.environments.items()
    return Batch(
        lines=[(stamped.at.utc, _json(stamped)) for stamped in events],
        definitions=[(digest, _json(one)) for digest, one in changes.definitions.items()],
        configuration=_encode_configuration(changes.configuration),
        jobs=[job_row(job) for job in changes.jobs.values()],
        labels=[
            (key, value, job.id)
            for job in changes.jobs.values()
            for key, value in job.labels.items()
        ],
        environments=[(name, _json(one)) for name, one in environments if one is not None],
        gone=[(name,) for name, one in environments if one is None],
        drain=(None if drain is None else _json(drain),) if changes.drain else None,
        spent=None if changes.numbers_from is None else changes.numbers_from - 1,
    )


def job_row(job: Job) -> Row:
    """A job in the order of `put_job`'s columns."""
    conclusion, ended, duration = _end_of(job)
    return (
        job.id,
        job.environment,
        job.pipeline,
        job.kind,
        job.submitter.uid,
        job.key,
        job.definition,
        job.submitted.utc,
        PhaseName.of(job.phase).value,
        conclusion,
        ended,
        duration,
        _json(job),
    )


def _end_of(job: Job) -> tuple[str | None, int | None, int | None]:
    if not isinstance(job.phase, JobFinished):
        return None, None, None
    run, ended = job.phase.run, job.phase.ended
    duration = None if run is None else ended.since(run.started)
    return job.phase.conclusion.value, ended.utc, duration


def _encode_configuration(new: InForce | None) -> tuple[str, str, int | None] | None:
    return None if new is None else (new.digest, _json(new.configuration), new.accepted)


def _json(entity: msgspec.Struct) -> str:
    return _encoder.encode(entity).decode()
