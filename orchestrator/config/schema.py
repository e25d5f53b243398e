"""JSON Schemas for editors, made of the declarations that files are validated with."""

from typing import Any

import msgspec

from orchestrator.config.durations import Duration
from orchestrator.config.files import EnvironmentFile, NotBuilt, OrchestratorFile, PipelineFile
from orchestrator.core.language.rejections import did_you_mean, near

FILES: dict[str, type[msgspec.Struct]] = {
    "orchestrator": OrchestratorFile,
    "environment": EnvironmentFile,
    "pipeline": PipelineFile,
}
"""The kinds of files, by the name that `orchestrator schema NAME` takes."""

_NOT_BUILT = {"not": {}, "description": "not built yet"}


class SchemaUnknown(Exception):
    """There is no schema of that name."""


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one kind of file. Raises SchemaUnknown."""
    if name not in FILES:
        guess = did_you_mean(near(name, FILES))
        raise SchemaUnknown(f'there is no schema "{name}"{guess} (schemas: {", ".join(FILES)})')
    made = msgspec.json.schema(FILES[name], schema_hook=_own_type)
    tidied: dict[str, Any] = _tidy(made)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | tidied


def _own_type(kind: type) -> dict[str, Any]:
    if kind is NotBuilt:
        return dict(_NOT_BUILT)
    if kind is Duration:
        written = {"type": "string", "pattern": Duration.PATTERN}
        return {"anyOf": [written, {"type": "number", "minimum": 0}]}
    raise NotImplementedError(f"no schema for {kind.__name__}")


def _tidy(node: Any) -> Any:
    """TOML has no null, so a key that may be left out is only that."""
    match node:
        case {"anyOf": [only, {"type": "null"}], **rest}:
            return _tidy({**only, **{key: rest[key] for key in rest if key != "default"}})
        case {"anyOf": options, **rest}:
            kept = [_tidy(option) for option in options if option != {"type": "null"}]
            return _tidy({key: rest[key] for key in rest if rest[key] is not None}) | {
                "anyOf": kept
            }
        case dict():
            return {key: _tidy(inner) for key, inner in node.items() if _says_something(key, inner)}
        case list():
            return [_tidy(inner) for inner in node]
        case _:
            return node


def _says_something(key: str, inner: Any) -> bool:
    return not (key == "default" and inner is None)
