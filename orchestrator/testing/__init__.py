"""For tests of adapters: `AdapterSuite` and the `Material` that it needs.

Imported on demand, for the daemons that the suite starts need no pytest.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.testing.suite import AdapterSuite
    from orchestrator.testing.suite_material import Material, Settings

__all__ = ["AdapterSuite", "Material", "Settings"]
_HOMES = {"AdapterSuite": "suite", "Material": "suite_material", "Settings": "suite_material"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
