"""The configuration of the one step that a test of the adapter suite runs."""

import json
from typing import Any

from orchestrator.testing.suite_daemon import STEP
from orchestrator.testing.suite_material import Material, Settings


def pipeline(adapter: str, settings: Settings, material: Material, timeout: str = "") -> str:
    """A pipeline of one step."""
    source = "" if material.source is None else f"source.path = {toml(str(material.source))}\n"
    limit = f"timeout = {toml(timeout)}\n" if timeout else ""
    env = f"env = {toml(dict(material.env))}\n" if material.env else ""
    return (
        f'kind = "deploy"\nforce_after = 0\n{source}[params.text]\ndefault = "text"\n'
        f"[[steps]]\nname = {toml(STEP)}\nuses = {toml(adapter)}\n{limit}{env}"
        f"with = {toml(settings)}\n"
    )


def toml(value: Any) -> str:
    """A value as TOML. None can't be written there: its key is left out."""
    match value:
        case dict():
            pairs = (f"{toml(key)} = {toml(one)}" for key, one in value.items() if one is not None)
            return f"{{ {', '.join(pairs)} }}"
        case list() | tuple():
            return f"[{', '.join(map(toml, value))}]"
        case str() | bool():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case _:
            return repr(value)
