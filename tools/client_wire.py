"""The command line's types of what the daemon answers, written from the API's own structs.

    python -m tools.client_wire        # writes orchestrator/cli/client/wire.py

The command line has no msgspec: it reads the answers as dictionaries, and the type checker alone
looks at these types. A field that the API gains, loses or renames is so in both.
"""

import inspect
import keyword
import subprocess
import sys
import textwrap
import types
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from orchestrator.api import wire, wire_pipelines

MODULES = (wire, wire_pipelines)
CLIENT = Path(__file__).parents[1] / "orchestrator" / "cli" / "client" / "wire.py"
HEAD = '''"""The daemon's answers as the command line reads them; for the type checker only.

Written by `make wire` from `orchestrator/api/wire.py` and `wire_pipelines.py`: change those. No
verb imports this module at run time: `typing` alone would cost a tenth of a verb's start.
"""

from typing import Any, TypedDict
'''

Answer = type[msgspec.Struct]


def written() -> str:
    """The text of the client's module."""
    classes = "\n\n".join(map(_typed_dict, _bases_first(_answers())))
    return _formatted(f"{HEAD}\n\n{classes}")


def _answers() -> list[Answer]:
    """In the order in which they stand in their modules."""
    return [
        member
        for module in MODULES
        for member in vars(module).values()
        if isinstance(member, type)
        and issubclass(member, msgspec.Struct)
        and member.__module__ == module.__name__
    ]


def _bases_first(answers: Iterable[Answer]) -> list[Answer]:
    """What a type names stands before it: a dictionary of types is evaluated where it stands."""
    ordered: list[Answer] = []

    def add(answer: Answer) -> None:
        if answer not in ordered:
            for named in _named(answer):
                add(named)
            ordered.append(answer)

    for answer in answers:
        add(answer)
    return ordered


def _named(answer: Answer) -> Iterator[Answer]:
    if (base := _base(answer)) is not None:
        yield base
    for field in _own_fields(answer):
        yield from _structs_in(field.type)


def _structs_in(kind: object) -> Iterator[Answer]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
    for argument in typing.get_args(kind):
        yield from _structs_in(argument)


def _base(answer: Answer) -> Answer | None:
    [base] = answer.__bases__
    return None if base is msgspec.Struct else base


def _own_fields(answer: Answer) -> list[msgspec.structs.FieldInfo]:
    base = _base(answer)
    inherited = {field.name for field in msgspec.structs.fields(base)} if base else set()
    return [field for field in msgspec.structs.fields(answer) if field.name not in inherited]


def _typed_dict(answer: Answer) -> str:
    name, doc = answer.__name__, _doc(answer)
    fields = {field.encode_name: _annotation(field.type) for field in _own_fields(answer)}
    base = _base(answer)
    if any(map(keyword.iskeyword, fields)):
        assert base is None, f"{name}: no attribute may be called so, and no class has it"
        items = "".join(f"{key!r}: {kind}," for key, kind in fields.items())
        return f'{name} = TypedDict({name!r}, {{{items}}})\n"""{doc}"""\n'
    body = "\n".join(f"{key}: {kind}" for key, kind in fields.items())
    return f"class {name}({base.__name__ if base else 'TypedDict'}):\n" + textwrap.indent(
        f'"""{doc}"""\n\n{body}\n', "    "
    )


def _doc(answer: Answer) -> str:
    """Its docstring; one with paragraphs ends in a line of its own."""
    doc = inspect.cleandoc(answer.__doc__ or "")
    return f"{doc}\n" if "\n\n" in doc else doc


def _annotation(kind: object) -> str:
    """As JSON has it: what is a tuple there is a list here."""
    arguments = [_annotation(argument) for argument in typing.get_args(kind) if argument is not ...]
    match typing.get_origin(kind):
        case None:
            return "None" if kind is types.NoneType else typing.cast("type", kind).__name__
        case types.UnionType | typing.Union:
            return " | ".join(arguments)
        case origin:
            name = "list" if origin is tuple else origin.__name__
            return f"{name}[{', '.join(arguments)}]"


def _formatted(source: str) -> str:
    ruff = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(CLIENT), "-"]
    done = subprocess.run(ruff, input=source, capture_output=True, text=True, check=True)
    return done.stdout


if __name__ == "__main__":
    CLIENT.write_text(written())
