"""`${…}`: what a value may read of its job, and what takes its place.

A reference is a dotted path: `params.X`, `environment.name`, `environment.vars.X`,
`steps.NAME.outputs.X`, `matrix.X`, `job.id` and the like, `debt.job`, `debt.conclusion`. Alone in a
string it keeps the type of what it reads; inside a string it becomes text. `$${` is a literal `${`.
What is put in is never read again, so a value cannot bring references of its own.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import msgspec

from orchestrator.core.language import planned
from orchestrator.core.language.rejections import did_you_mean, near

Path: TypeAlias = tuple[str | int, ...]
"""Where in a value: keys of tables and places in lists."""

TOKEN = re.compile(r"\$\$\{|\$\{([^{}]*)(\}?)")
SEGMENT = re.compile(r"[A-Za-z0-9_-]+")
ROOTS = ("params", "environment", "steps", "matrix", "job", "debt")
JOB_FIELDS = ("id", "pipeline", "environment", "submitter", "conclusion", "failed_step")
JOB_FIELDS_AT_END = ("conclusion", "failed_step")
DEBT_FIELDS = ("job", "conclusion")


class ReferenceProblem(Exception):
    """Something is wrong with a reference; the message names it."""


class ReferenceMalformed(ReferenceProblem):
    """It is not `${` and a dotted path and `}`."""


class ReferenceUnknown(ReferenceProblem):
    """Nothing of that name can be read."""


class ReferenceTooEarly(ReferenceProblem):
    """What it reads is not known yet where it stands."""


class ReferenceNotText(ReferenceProblem):
    """A list or a table was to become part of a string."""


class Reference(msgspec.Struct, frozen=True):
    """One reference: its dotted path, split."""

    path: tuple[str, ...]

    def __str__(self) -> str:
        return "${" + ".".join(self.path) + "}"


class JobFacts(msgspec.Struct, frozen=True):
    """What `job.X` reads. `conclusion` and `failed_step` are None until the job has ended."""

    id: int
    pipeline: str
    environment: str
    submitter: str
    conclusion: str | None = None
    failed_step: str | None = None


class DebtFacts(msgspec.Struct, frozen=True):
    """What `debt.X` reads: the job that owed this cleanup, and how it ended."""

    job: int
    conclusion: str


class Scope(msgspec.Struct, frozen=True):
    """All that references can read in one step.

    `outputs` maps each step that has ended to its outputs; those in `not_run` never ran. `debt` of
    None: the job pays none, and `debt.X` is then the empty string. `matrix` holds the values of
    the one run of a matrix that this is. `empty_if_missing`: an output that there is not, since
    its step did not run or did not come so far, is None. `later` are references that only a run
    can read.
    """

    job: JobFacts
    params: Mapping[str, Any] = {}
    vars: Mapping[str, Any] = {}
    outputs: Mapping[str, Mapping[str, Any]] = {}
    debt: DebtFacts | None = None
    not_run: frozenset[str] = frozenset()
    matrix: Mapping[str, Any] = {}
    empty_if_missing: bool = False
    later: frozenset[tuple[str, ...]] = frozenset()


Part: TypeAlias = str | Reference


def parse(text: str) -> tuple[Part, ...]:
    """Split a string into literal text and references. Raises ReferenceMalformed."""
    if "${" not in text:
        return (text,) if text else ()
    parts: list[Part] = []
    literal, at = "", 0
    for token in TOKEN.finditer(text):
        literal += text[at : token.start()]
        at = token.end()
        if token[0] == "$${":
            literal += "${"
            continue
        if literal:
            parts.append(literal)
        parts.append(_reference(token[1], closed=bool(token[2])))
        literal = ""
    literal += text[at:]
    return (*parts, literal) if literal else tuple(parts)


def _reference(path: str, *, closed: bool) -> Reference:
    shown = "${" + path[:60]
    if not closed:
        raise ReferenceMalformed(f"{shown}: the closing }} is missing (a literal ${{ is $${{)")
    segments = tuple(path.split("."))
    if not all(SEGMENT.fullmatch(segment) for segment in segments):
        raise ReferenceMalformed(
            f"{shown}}}: a reference is names with dots between them, such as "
            "${params.version} (a literal ${ is $${)"
        )
    return Reference(segments)


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value inside nested tables and lists that is neither, with its path."""
    match value:
        case Mapping():
            for key, inner in value.items():
                yield from leaves(inner, (*path, key))
        case list() | tuple():
            for place, inner in enumerate(value):
                yield from leaves(inner, (*path, place))
        case _:
            yield path, value


def references(value: Any) -> tuple[Reference, ...]:
    """Every reference in nested tables, lists and strings. Raises ReferenceMalformed."""
    return tuple(
        part
        for _, leaf in leaves(value)
        if isinstance(leaf, str)
        for part in parse(leaf)
        if isinstance(part, Reference)
    )


def is_reference(value: Any) -> bool:
    """Whether the value is one well-formed reference and nothing else."""
    if not isinstance(value, str) or not value.startswith("${"):
        return False
    try:
        parts = parse(value)
    except ReferenceMalformed:
        return False
    return len(parts) == 1 and isinstance(parts[0], Reference)


def resolve(value: Any, scope: Scope) -> Any:
    """The value with every reference replaced, in nested tables and lists too.

    Raises ReferenceMalformed, ReferenceUnknown, ReferenceTooEarly, ReferenceNotText.
    """
    match value:
        case str():
            return _resolve_text(value, scope)
        case Mapping():
            return {key: resolve(inner, scope) for key, inner in value.items()}
        case list() | tuple():
            return [resolve(inner, scope) for inner in value]
        case _:
            return value


def _resolve_text(text: str, scope: Scope) -> Any:
    parts = parse(text)
    if len(parts) == 1 and isinstance(parts[0], Reference):
        return read(parts[0], scope)
    return resolve_as_text(text, scope)


def resolve_as_text(text: str, scope: Scope) -> str:
    """The string with every reference replaced, as text even where one stands alone.

    Raises as `resolve` does.
    """
    return "".join(
        part if isinstance(part, str) else as_text(part, read(part, scope)) for part in parse(text)
    )


def format_value(value: str | int | float | bool | None) -> str:
    """A single value as text: `true` and `false`, numbers in decimal, None as nothing."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def as_text(reference: Reference, value: Any) -> str:
    """What a reference stands for, as part of a text. Raises ReferenceNotText."""
    if value is None or isinstance(value, str | int | float):
        return format_value(value)
    raise no_text(reference, "a table" if isinstance(value, Mapping) else "a list")


def no_text(reference: Reference, what: str) -> ReferenceNotText:
    """The error for a list or a table that would have to be text."""
    return ReferenceNotText(
        f"{reference} is {what}: it can stand alone in a setting of a step, not be part of a text"
    )


def read(reference: Reference, scope: Scope) -> Any:
    """What one reference stands for. Raises ReferenceUnknown, ReferenceTooEarly."""
    match reference.path:
        case path if path in scope.later:
            raise ReferenceTooEarly(f"{reference} is not known before the job runs")
        case ("params", name):
            return _look_up(reference, name, scope.params)
        case ("environment", "name"):
            return scope.job.environment
        case ("environment", "vars", name, *inner):
            return _descend(reference, _look_up(reference, name, scope.vars), inner)
        case ("steps", step, "outputs", name, *inner):
            return _read_output(reference, step, name, inner, scope)
        case ("matrix", name, *inner):
            return _descend(reference, _look_up(reference, name, scope.matrix), inner)
        case ("job", field) if field in JOB_FIELDS:
            return _job_field(reference, field, scope.job)
        case ("debt", field) if field in DEBT_FIELDS:
            return "" if scope.debt is None else getattr(scope.debt, field)
        case _:
            raise unknown_shape(reference)


def _read_output(reference: Reference, step: str, name: str, inner: list[str], scope: Scope) -> Any:
    if step not in scope.outputs:
        raise ReferenceTooEarly(f"{reference}: step {step} has not ended here")
    missing = step in scope.not_run or name not in scope.outputs[step]
    if missing and scope.empty_if_missing:
        return None
    if step in scope.not_run:
        raise ReferenceUnknown(f"{reference}: step {step} did not run")
    return _descend(reference, _look_up(reference, name, scope.outputs[step]), inner)


def _job_field(reference: Reference, field: str, job: JobFacts) -> Any:
    if field in JOB_FIELDS_AT_END and job.conclusion is None:
        raise ReferenceTooEarly(f"{reference} is not known before the job has ended")
    return getattr(job, field)


def _look_up(reference: Reference, name: str, table: Mapping[str, Any]) -> Any:
    if name not in table:
        raise unknown_name(reference, name, table)
    return table[name]


def _descend(reference: Reference, value: Any, path: list[str]) -> Any:
    for name in path:
        if not isinstance(value, Mapping):
            raise ReferenceUnknown(f"{reference}: there is no table to read {name} from")
        value = _look_up(reference, name, value)
    return value


def unknown_name(reference: Reference, name: str, known: Mapping[str, Any]) -> ReferenceUnknown:
    """The error for a name that is not in the table that the reference reads."""
    return ReferenceUnknown(f"{reference}: there is no {name}{did_you_mean(near(name, known))}")


SHAPES = (
    "params.X",
    "environment.name",
    "environment.vars.X",
    "steps.NAME.outputs.X",
    "matrix.X",
    *(f"job.{field}" for field in JOB_FIELDS),
    *(f"debt.{field}" for field in DEBT_FIELDS),
)


def unknown_shape(reference: Reference) -> ReferenceUnknown:
    """The error for a path of which nothing can be read."""
    root, *rest = reference.path
    if root in planned.REFERENCES:
        return ReferenceUnknown(f"{reference}: `{root}` is not built yet")
    if root not in ROOTS:
        guess = did_you_mean(near(root, ROOTS))
        return ReferenceUnknown(f"{reference}: {root} is none of {', '.join(ROOTS)}{guess}")
    shapes = [shape for shape in SHAPES if shape.split(".")[0] == root]
    guess = did_you_mean(near(".".join(reference.path), shapes)) if rest and len(shapes) > 1 else ""
    return ReferenceUnknown(f"{reference}: only {', '.join(shapes)} can be read{guess}")


def text_so_far(text: str, scope: Scope) -> str:
    """A string as `resolve_as_text` has it, but what cannot be read stays `${…}`."""
    return "".join(_part(part, scope) for part in parse(text))


def _part(part: Part, scope: Scope) -> str:
    if isinstance(part, str):
        return part
    try:
        return as_text(part, read(part, scope))
    except ReferenceProblem:
        return str(part)


def unreadable(value: Any, scope: Scope) -> tuple[Reference, ...]:
    """The references in a value that cannot be read yet, each once. Raises ReferenceMalformed."""
    return tuple(
        dict.fromkeys(
            reference for reference in references(value) if not _is_readable(reference, scope)
        )
    )


def _is_readable(reference: Reference, scope: Scope) -> bool:
    try:
        read(reference, scope)
    except ReferenceProblem:
        return False
    return True
