"""Writes pipeline configurations as Front50 keeps them."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

Config = dict[str, Any]
"""A pipeline or a stage of one."""


def unique_application() -> str:
    """A name that no other test has."""
    return f"app{secrets.token_hex(4)}"


def pipeline(name: str, *stages: Config, **settings: Any) -> Config:
    """A pipeline; a stage that names nothing it comes `after` follows the one before it.

    `settings` are Front50's: limitConcurrent, keepWaitingPipelines, parameterConfig, triggers,
    disabled, expectedArtifacts, …
    """
    for before, one in zip((None, *stages), stages, strict=False):
        one.setdefault("requisiteStageRefIds", [before["refId"]] if before else [])
    flags = {"limitConcurrent": False, "keepWaitingPipelines": True}
    return {"name": name, "stages": list(stages), "triggers": [], **flags, **settings}


def parameter(name: str, default: str | None = None, **settings: Any) -> Config:
    """One of a pipeline's parameterConfig: required, options, hasOptions, label, …"""
    given = {} if default is None else {"default": default}
    return {"name": name, "required": False, **given, **settings}


def stage(kind: str, name: str, after: Sequence[str] | None = None, **context: Any) -> Config:
    """A stage of any kind; its reference is its name."""
    follows = {} if after is None else {"requisiteStageRefIds": list(after)}
    return {"type": kind, "name": name, "refId": name, **follows, **context}


def wait(
    name: str, seconds: float | str, after: Sequence[str] | None = None, **context: Any
) -> Config:
    """Orca's own wait."""
    return stage("wait", name, after, waitTime=seconds, **context)


def verdict(
    name: str, status: str = "SUCCEEDED", after: Sequence[str] | None = None, **context: Any
) -> Config:
    """The bed's stage that ends as asked: seconds, outputs, hold, stubborn (VerdictStage.java)."""
    return stage("verdict", name, after, status=status, **context)


def judgment(
    name: str, inputs: Sequence[str] = (), after: Sequence[str] | None = None, **context: Any
) -> Config:
    """A manual judgment: instructions, …"""
    given: list[Mapping[str, str]] = [{"value": one} for one in inputs]
    return stage("manualJudgment", name, after, judgmentInputs=given, **context)
