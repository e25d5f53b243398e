"""Looking, read-only, whether a step could run."""

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from orchestrator.plugin import Problem, Secret, Severity, Step, format_value
from orchestrator_spinnaker.access import kind, open_gate
from orchestrator_spinnaker.errors import GateError
from orchestrator_spinnaker.settings import SpinnakerSettings
from orchestrator_spinnaker.verification import Verified, verify


async def problems(step: Step[SpinnakerSettings]) -> tuple[Problem, ...]:
    """Everything that can be known before a run, at once.

    Parameters of the job have stand-ins then: examples, defaults, or nothing at all.
    """
    stand_ins = {"", *_texts(step.params.values())}
    found = tuple(_unasked(step.config))
    try:
        async with open_gate(step) as gate:
            verified = await verify(gate, step.config, stand_ins)
    except GateError as error:
        return (*found, Problem(error.setting, str(error)))
    return (*found, *verified.problems, *_waiting(verified))


def _texts(values: Iterable[Any]) -> Iterator[str]:
    return (format_value(value) for value in values if isinstance(value, str | int | float | None))


def _unasked(settings: SpinnakerSettings) -> Iterator[Problem]:
    """What needs no Gate to be known."""
    credentials = kind(settings.auth)
    if credentials and settings.gate.startswith("http:") and not _is_here(settings.gate):
        text = f"http shows what `{credentials}` holds to everybody on the way: let it be https"
        yield Problem("gate", text, Severity.WARNING)
    for name, value in settings.parameters.items():
        if _is_secret(value):
            text = "Spinnaker shows it to everybody who may look at the execution"
            yield Problem(f"parameters.{name}", text, Severity.WARNING)


def _is_secret(value: Any) -> bool:
    """Whether it is one, or holds one."""
    match value:
        case dict():
            return any(map(_is_secret, value.values()))
        case list() | tuple():
            return any(map(_is_secret, value))
        case _:
            return isinstance(value, Secret)


def _waiting(verified: Verified) -> Iterator[Problem]:
    """Of those that Spinnaker itself lets wait in turn."""
    for pipeline in verified.pipelines:
        if pipeline.limit_concurrent and not pipeline.keep_waiting_pipelines:
            text = (
                f"{pipeline.called} does not keep waiting executions (`keepWaitingPipelines`): of "
                "those started by others while one runs Spinnaker cancels all but the last"
            )
            yield Problem("pipeline", text, Severity.WARNING)


def _is_here(url: str) -> bool:
    """Whether nothing leaves this host on the way."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
