"""`[params.X]` → Parameter: what a submission may give, and the mistakes in saying so."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from orchestrator.config.document import Document
from orchestrator.config.files import ParameterTable
from orchestrator.config.shapes import in_words
from orchestrator.config.shared_tables import report_unread_references
from orchestrator.core.language.definition import Parameter
from orchestrator.core.language.words import ParameterType
from orchestrator.core.values.parameter_values import shortest, written
from orchestrator.core.values.parameters import ParameterProblem, check_value, variable_name
from orchestrator.core.values.references import Path

_IN_TOML: dict[ParameterType, tuple[tuple[type, ...], str]] = {
    ParameterType.STRING: ((str,), "a string"),
    ParameterType.INTEGER: ((int,), "a whole number"),
    ParameterType.NUMBER: ((int, float), "a number"),
    ParameterType.BOOLEAN: ((bool,), "true or false"),
    ParameterType.CHOICE: ((str,), "a string"),
    ParameterType.LIST: ((list, tuple), "a list of strings"),
}
_BOUNDED = {
    ParameterType.STRING: "characters",
    ParameterType.LIST: "items",
    ParameterType.INTEGER: "",
    ParameterType.NUMBER: "",
}
"""The types that have a `min` and a `max`, and what those count."""
_MATCHED = (ParameterType.STRING, ParameterType.LIST)
_CHOSEN = (ParameterType.CHOICE, ParameterType.LIST)


def read_parameters(
    tables: Mapping[str, ParameterTable], document: Document
) -> tuple[Parameter, ...]:
    """Every parameter; mistakes are reported to the document."""
    variables: dict[str, str] = {}
    parameters = []
    for name, table in tables.items():
        other = variables.setdefault(variable_name(name), name)
        if other != name:
            document.report(
                ("params", name), f"scripts would see it and {other} as {variable_name(name)}"
            )
        parameters.append(_parameter(name, table, document))
    return tuple(parameters)


def _parameter(name: str, table: ParameterTable, document: Document) -> Parameter:
    before = document.findings
    if _type_was_read(name, document):
        _report_unfit_keys(name, table, document)
        _report_bounds(name, table, document)
    if table.secret:
        _report_secret(name, table, document)
    if table.required and table.default is not None:
        document.report(
            ("params", name, "default"),
            "a required parameter is always given, so its default is never used: drop one of them",
        )
    report_unread_references(document, ("params", name, "default"), table.default)
    parameter = Parameter(
        name=name,
        type=table.type,
        required=table.required,
        pattern=table.pattern,
        description=table.description,
        choices=table.choices or (),
        min=table.min,
        max=table.max,
        secret=table.secret,
    )
    if document.findings > before or not _type_was_read(name, document):
        return parameter
    return msgspec.structs.replace(
        parameter,
        default=_own_value(parameter, "default", table.default, document),
        example=_example(parameter, table.example, document),
    )


def _report_secret(name: str, table: ParameterTable, document: Document) -> None:
    if table.type is not ParameterType.STRING:
        document.report(("params", name, "type"), "a secret is a string")
    if table.default is not None:
        document.report(
            ("params", name, "default"),
            "a secret has no default, for whoever reads this file would know it: drop it, or give "
            "the step { secret = … } instead",
        )


def _type_was_read(name: str, document: Document) -> bool:
    """Whether the file says a type that there is; else nothing can be said of the other keys."""
    table = document.data["params"][name]
    if not isinstance(table, dict):
        return False
    said = table.get("type", ParameterType.STRING.value)
    return said in [kind.value for kind in ParameterType]


def _report_unfit_keys(name: str, table: ParameterTable, document: Document) -> None:
    def report(key: str, types: tuple[ParameterType, ...]) -> None:
        named = " or ".join(f'"{type_.value}"' for type_ in types)
        text = f'the type "{table.type.value}" has no `{key}`, only {named} has'
        document.report(("params", name, key), text)

    if table.pattern is not None and table.type not in _MATCHED:
        report("pattern", _MATCHED)
    elif table.pattern is not None:
        _report_pattern(name, table.pattern, document)
    if table.choices is not None and table.type not in _CHOSEN:
        report("choices", _CHOSEN)
    elif table.choices is not None:
        _report_choices(name, table, document)
    elif table.type is ParameterType.CHOICE and "choices" not in document.data["params"][name]:
        document.report(("params", name), '`choices` is missing: expected ["…", "…"]')
    for key, bound in (("min", table.min), ("max", table.max)):
        if bound is not None and table.type not in _BOUNDED:
            report(key, tuple(_BOUNDED))


def _report_pattern(name: str, pattern: str, document: Document) -> None:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        document.report(
            ("params", name, "pattern"), f"this is no regular expression of Python: {error}"
        )


def _report_choices(name: str, table: ParameterTable, document: Document) -> None:
    choices = table.choices or ()
    plain = Parameter(name=name)
    for place, choice in enumerate(choices):
        path: Path = ("params", name, "choices", place)
        if not choice:
            document.report(path, "a choice is a text of one character at least")
        elif choice in choices[:place]:
            document.report(path, f'"{choice}" stands here twice')
        else:
            _own_value(plain, path[2:], choice, document)


def _report_bounds(name: str, table: ParameterTable, document: Document) -> None:
    counted = _BOUNDED.get(table.type)
    if counted is None:
        return
    for key, bound in (("min", table.min), ("max", table.max)):
        whole = isinstance(bound, int)
        if bound is None or (table.type is ParameterType.NUMBER) or (whole and not counted):
            continue
        if not whole or bound < 0:
            said = f"a number of {counted}, 0 or more" if counted else "a whole number"
            document.report(("params", name, key), f"expected {said}, got {shortest(bound)}")
    if table.min is not None and table.max is not None and table.min > table.max:
        document.report(
            ("params", name, "max"),
            f"{shortest(table.max)} is less than `min`, which is {shortest(table.min)}: "
            "no value would do",
        )


def _own_value(parameter: Parameter, key: str | Path, value: Any, document: Document) -> str | None:
    """The text of a value that the file gives for a parameter; one that will not do is reported."""
    if value is None:
        return None
    path: Path = ("params", parameter.name, *((key,) if isinstance(key, str) else key))
    kinds, expected = _IN_TOML[parameter.type]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        got = in_words(list(value) if isinstance(value, tuple) else value)
        document.report(
            path, f'the type is "{parameter.type.value}": expected {expected}, got {got}'
        )
        return None
    try:
        return check_value(parameter, value, document.file)
    except ParameterProblem as problem:
        document.report(path, str(problem).split(": ", 2)[-1])
        return None


def _example(parameter: Parameter, value: Any, document: Document) -> str | None:
    if _own_value(parameter, "example", value, document) is None:
        return None
    return written(list(value) if isinstance(value, tuple) else value)
