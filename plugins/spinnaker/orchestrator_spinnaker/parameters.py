"""The parameters of an execution: what the pipeline asks for, and what it is given."""

import datetime
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from orchestrator.plugin import Problem, Secret, format_value
from orchestrator_spinnaker.executions import Parameter, PipelineConfig
from orchestrator_spinnaker.near import did_you_mean

MOST_OPTIONS = 8
"""That are listed in a message."""


def problems(
    given: Mapping[str, Any], config: PipelineConfig, stand_ins: Container[str] = ()
) -> Iterator[Problem]:
    """What of the parameters does not fit the pipeline's `parameterConfig`.

    `stand_ins` are texts that stand for values which nobody has given yet.
    """
    known = {parameter.name: parameter for parameter in config.parameter_config or ()}
    for name, value in given.items():
        if name in known:
            text = _sent(value)
            if not (isinstance(text, str) and text in stand_ins):
                yield from _unfit(known[name], value)
        elif not config.is_templated:
            yield Problem(f"parameters.{name}", _unknown(name, known, config))
    for name, parameter in known.items():
        if parameter.required and name not in given and _is_empty(parameter.default):
            text = f"{config.called} requires it and has no default"
            yield Problem(f"parameters.{name}", text + _choices(parameter))


def sent(given: Mapping[str, Any]) -> dict[str, Any]:
    """As Spinnaker gets them: as text, like those that people type, with secrets as they are.

    Lists and tables stay what they are.
    """
    return {name: _sent(value) for name, value in given.items()}


def _sent(value: Any) -> Any:
    match value:
        case Secret():
            return value.reveal()
        case dict():
            return {key: _nested(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_nested(inner) for inner in value]
        case datetime.date() | datetime.time():
            return value.isoformat()
        case _:
            return format_value(value)


def _nested(value: Any) -> Any:
    """Inside of lists and tables numbers stay numbers."""
    return value if isinstance(value, bool | int | float | None) else _sent(value)


def _unfit(parameter: Parameter, value: Any) -> Iterator[Problem]:
    setting = f"parameters.{parameter.name}"
    text = _sent(value)
    if _is_empty(text):
        if parameter.required:
            yield Problem(setting, "it is empty, and the pipeline requires it")
        return
    options = _options(parameter)
    if options and text not in options:
        shown = "the secret" if isinstance(value, Secret) else f'"{text}"'
        guess = "" if isinstance(value, Secret) else did_you_mean(str(text), options)
        yield Problem(setting, f"{shown} is none of the pipeline's options{guess or _of(options)}")


def _unknown(name: str, known: Mapping[str, Parameter], config: PipelineConfig) -> str:
    text = f"{config.called} has no such parameter"
    if not known:
        return f"{text}, nor any other"
    return text + (did_you_mean(name, known) or f" (it has: {', '.join(known)})")


def _options(parameter: Parameter) -> Sequence[str]:
    if not parameter.has_options:
        return ()
    return [format_value(option.value) for option in parameter.options or ()]


def _choices(parameter: Parameter) -> str:
    options = _options(parameter)
    return _of(options) if options else ""


def _of(options: Sequence[str]) -> str:
    more = ", …" if len(options) > MOST_OPTIONS else ""
    return f" ({', '.join(options[:MOST_OPTIONS])}{more})"


def _is_empty(value: Any) -> bool:
    return value is None or value == ""
