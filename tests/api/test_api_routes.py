"""Every route is served: none is left out of its module's `handlers`, no module of `SUBJECTS`."""

import importlib
import pkgutil
from types import ModuleType

import pytest
from litestar.handlers import BaseRouteHandler

from orchestrator.api import routes
from orchestrator.api.app import SUBJECTS

MODULES = [
    importlib.import_module(f"{routes.__name__}.{found.name}")
    for found in pkgutil.iter_modules(routes.__path__)
]


def forgotten(module: ModuleType) -> list[str]:
    """The names of its own routes that its `handlers` lack."""
    own = (
        (name, value)
        for name, value in vars(module).items()
        if isinstance(value, BaseRouteHandler) and value.fn.__module__ == module.__name__
    )
    return [name for name, route in own if route not in module.handlers]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_no_route_is_forgotten(module: ModuleType) -> None:
    assert module in SUBJECTS
    assert forgotten(module) == []


def test_a_forgotten_route_is_found() -> None:
    module = ModuleType("routes")
    [route, *_] = MODULES[0].handlers
    vars(module).update(left_out=route, handlers=[])
    module.__name__ = route.fn.__module__
    assert forgotten(module) == ["left_out"]
