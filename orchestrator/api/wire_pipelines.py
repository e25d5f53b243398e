"""What the daemon answers about pipelines. Absent is null, never missing."""

from typing import Any

import msgspec


class Parameter(msgspec.Struct, frozen=True):
    """One parameter that a submission may give.

    `min` and `max` bound a number, the characters of a string, the items of a list. `example` is
    as on the command line.
    """

    name: str
    type: str
    required: bool
    default: Any
    pattern: str | None
    description: str | None
    choices: tuple[str, ...] | None = None
    min: int | float | None = None
    max: int | float | None = None
    example: str | None = None
    secret: bool = False


class Retry(msgspec.Struct, frozen=True):
    """How often a step is tried, the first attempt included; `backoff` and `max` are seconds.

    `on` are the ends that are tried again; empty: every failure.
    """

    attempts: int
    backoff: float
    factor: float
    max: float | None
    on: tuple[str, ...]


class Outcome(msgspec.Struct, frozen=True):
    """What one end of a step (`exit 3`, `timed_out`) means for its job."""

    match: str
    then: str
    skip: tuple[str, ...]
    reason: str | None


class AskedApproval(msgspec.Struct, frozen=True):
    """Who must say yes before a job queues: `count` people, each with one of the roles.

    `environment` is the one that asks, null where the pipeline does. `expires` are seconds.
    """

    environment: str | None
    roles: tuple[str, ...]
    count: int
    not_submitter: bool
    expires: float | None


class PipelineStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step as it is defined. `needs` are names of steps, those of a stage written out.

    One step of a matrix has its own values in `matrix`, and in `matrix_of` the name that all of
    them have in the file. `timeout` are seconds; `outcomes` are those that the file says.
    """

    name: str
    uses: str
    section: str
    stage: str | None
    needs: tuple[str, ...]
    touches: bool
    matrix: dict[str, Any] | None
    matrix_of: str | None
    max_parallel: int | None
    when: str | None
    retry: Retry | None
    outcomes: tuple[Outcome, ...]
    timeout: float | None


class StopRules(msgspec.Struct, frozen=True):
    """Who may cancel, by the phase that the job's steps are in."""

    queued: str
    preparing: str
    acquiring: str
    applying: str
    cleaning_up: str


class Pipeline(msgspec.Struct, frozen=True):
    """One definition. `environments` of null: every one. `timeout` and `max_wait` are seconds."""

    name: str
    kind: str
    description: str | None
    environments: tuple[str, ...] | None
    params: tuple[Parameter, ...]
    steps: tuple[PipelineStep, ...]
    cleanup: str | None
    stop: StopRules
    approvals: tuple[AskedApproval, ...]
    timeout: float | None
    max_wait: float | None
    on_max_wait: str
    fail_running: str
    halt_running: str


class Pipelines(msgspec.Struct, frozen=True):
    """Every pipeline, by name."""

    pipelines: tuple[Pipeline, ...]
