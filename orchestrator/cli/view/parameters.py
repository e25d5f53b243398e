"""Values of parameters, as one gives them."""

from __future__ import annotations

from orchestrator.cli.view.escapes import harmless

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def pairs(values: Mapping[str, object]) -> str:
    """`version=v1 regions=a,b`; what was left out is not there."""
    given = (f"{name}={written(value)}" for name, value in values.items() if value is not None)
    return harmless(" ".join(given))


def written(value: object) -> str:
    """One value, as it can be given to `-p`."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(_plain(item) for item in value):
        return ",".join(value)
    import json

    return json.dumps(value, ensure_ascii=False)


def _plain(item: object) -> bool:
    """Whether an item needs no quotes between commas."""
    return (
        isinstance(item, str)
        and item != ""
        and item == item.strip()
        and "," not in item
        and not item.startswith("[")
    )
