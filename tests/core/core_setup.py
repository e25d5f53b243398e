"""Small configurations, people and moments for the tests of the core."""

from collections.abc import Iterable, Mapping
from typing import Any

from orchestrator.core.language import commands as cmd
from orchestrator.core.language.commands import Caller
from orchestrator.core.language.definition import (
    DEFAULT_CLEANUP_TIMEOUT,
    CleanupReference,
    Configuration,
    EnvironmentDefinition,
    Parameter,
    PipelineDefinition,
    Roles,
    StepDefinition,
)
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import Finding, StepRef

ROOT = Caller(uid=0, user="root", is_owner=True)
ADA = Caller(uid=1000, user="ada")
BOB = Caller(uid=1001, user="bob", groups=frozenset({"developers"}))
EVE = Caller(uid=1002, user="eve")

ROLES = Roles(viewer=("*",), submitter=("ada", "@developers"), admin=("root",))

KINDS: dict[str, tuple[str, ...]] = {
    "deploy": ("deploy", "cleanup"),
    "cleanup": ("deploy", "cleanup"),
    "test": ("deploy",),
}


def at(seconds: float = 0, *, utc: float = 0, boot_id: str = "boot-1") -> Instant:
    """A moment `seconds` after the beginning; `utc` seconds is how far the wall clock was put."""
    return Instant(
        utc=1_700_000_000_000 + round((seconds + utc) * 1000),
        boot=5_000_000 + round(seconds * 1000),
        boot_id=boot_id,
    )


def step(name: str, **fields: Any) -> StepDefinition:
    """A step with an adapter that has every phase, unless `fields` say otherwise."""
    return StepDefinition(**({"name": name, "uses": "fake"} | fields))


def chain(*names: str, **fields: Any) -> tuple[StepDefinition, ...]:
    """Steps that each need the one before."""
    return tuple(
        step(name, needs=names[place - 1 : place] if place else (), **fields)
        for place, name in enumerate(names)
    )


def pipeline(name: str, kind: str = "deploy", /, **fields: Any) -> PipelineDefinition:
    """A pipeline of one step, `apply`, unless `fields` say otherwise."""
    cleanup = fields.pop("cleanup", None)
    if isinstance(cleanup, str):
        cleanup = CleanupReference(pipeline=cleanup)
    given = {"name": name, "kind": kind, "origin": f"pipelines/{name}.toml", "cleanup": cleanup}
    return PipelineDefinition(**({"steps": (step("apply"),)} | given | fields))


WEB = pipeline(
    "web",
    cleanup=CleanupReference(pipeline="web-cleanup", params={"version": "${params.version}"}),
    params=(Parameter(name="version", default="v1"),),
)
WEB_CLEANUP = pipeline("web-cleanup", "cleanup", params=(Parameter(name="version", default="v1"),))
API = pipeline("api")
E2E = pipeline("e2e", "test")


def config(
    *pipelines: PipelineDefinition,
    environments: Mapping[str, Iterable[str]] | Iterable[str] = ("production", "staging"),
    **fields: Any,
) -> Configuration:
    """A configuration. `environments` are names, or names with the locks of each.

    Without pipelines: web (which owes web-cleanup), api (which owes nothing), e2e (a test).
    """
    locks = environments if isinstance(environments, Mapping) else dict.fromkeys(environments, ())
    defaults: dict[str, Any] = {
        "state_dir": "/state",
        "socket": "/socket",
        "kinds": KINDS,
        "roles": ROLES,
        "pipelines": {one.name: one for one in pipelines or (WEB, WEB_CLEANUP, API, E2E)},
        "environments": {
            name: EnvironmentDefinition(name=name, locks=tuple(its)) for name, its in locks.items()
        },
    }
    return Configuration(**defaults | fields)


def audited() -> Configuration:
    """Beside a job of `audit` a cleanup can't start, and all else can."""
    kinds = {**KINDS, "audit": ("cleanup",)}
    return config(WEB, WEB_CLEANUP, API, E2E, pipeline("audit", "audit"), kinds=kinds)


def submit(
    pipeline: str, environment: str = "production", caller: Caller = ADA, **fields: Any
) -> cmd.Submit:
    """A submission by ada."""
    return cmd.Submit(caller=caller, pipeline=pipeline, environment=environment, **fields)


def accept(configuration: Configuration, caller: Caller | None = None) -> cmd.AcceptConfiguration:
    """Put a configuration into force."""
    return cmd.AcceptConfiguration(configuration=configuration, digest="c0ffee", caller=caller)


def ref(job: int, step: str = "apply", attempt: int = 1) -> StepRef:
    """One attempt of a step."""
    return StepRef(job=job, step=step, attempt=attempt)


def acquired(job: int, step: str = "apply") -> cmd.AcquireDone:
    """The step's acquire is done."""
    return cmd.AcquireDone(ref=ref(job, step))


def applied(job: int, step: str = "apply", **fields: Any) -> cmd.ApplyDone:
    """The step's apply is done, with success unless `fields` say otherwise."""
    return cmd.ApplyDone(ref=ref(job, step), **({"succeeded": True, "exit": 0} | fields))


def failed(job: int, step: str = "apply", **fields: Any) -> cmd.ApplyDone:
    """The step's tool has failed."""
    return applied(job, step, **({"succeeded": False, "exit": 1} | fields))


def cleaned(job: int, step: str = "apply") -> cmd.CleanupDone:
    """The step's cleanup found everything clean."""
    return cmd.CleanupDone(ref=ref(job, step))


def dirty(job: int, step: str = "apply") -> cmd.CleanupDone:
    """The step's cleanup found something."""
    return cmd.CleanupDone(ref=ref(job, step), finding=finding(job, step))


def finding(job: int, step: str = "apply") -> Finding:
    """What `dirty` finds."""
    return Finding(
        ref=ref(job, step),
        found="a lock is left",
        commands=("unlock it",),
        cleanup_timeout=DEFAULT_CLEANUP_TIMEOUT,
    )


def whole(job: int, step: str = "apply") -> tuple[cmd.Command, ...]:
    """A step's life, with success."""
    return acquired(job, step), applied(job, step), cleaned(job, step)
