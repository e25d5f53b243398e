"""Pipelines with every key, mangled: never a traceback, every mistake at a line that exists, and
all of them at once."""

import copy
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from orchestrator.config.paths import Host
from orchestrator.plugin.registry import Registry
from tests.config import mangling
from tests.config.mangling import (
    CLEANUP,
    ENVIRONMENT,
    MAIN,
    PIPELINE,
    Tree,
    mistakes_in,
    torn,
    written,
)
from tests.seed_budget import examples


def files_of(**changed: str) -> dict[str, str]:
    return {
        "orchestrator.toml": changed.get("main", written(MAIN)),
        "environments/e.toml": changed.get("environment", written(ENVIRONMENT)),
        "pipelines/clean.toml": changed.get("cleanup", written(CLEANUP)),
        "pipelines/p.toml": changed.get("pipeline", written(PIPELINE)),
    }


def test_what_is_mangled_is_valid(registry: Registry, host: Host) -> None:
    assert mistakes_in(files_of(), registry, host) == ()


@examples("mangled pipeline", *HealthCheck)
@given(pipeline=mangling.mangled(PIPELINE))
def test_a_mangled_pipeline(registry: Registry, host: Host, pipeline: Tree) -> None:
    mistakes_in(files_of(pipeline=written(pipeline)), registry, host)


@examples("torn pipeline", *HealthCheck)
@given(text=torn(written(PIPELINE)))
def test_a_torn_pipeline(registry: Registry, host: Host, text: str) -> None:
    mistakes_in(files_of(pipeline=text), registry, host)


@examples("mangled surroundings", *HealthCheck)
@given(
    main=mangling.mangled(MAIN),
    environment=mangling.mangled(ENVIRONMENT),
    cleanup=mangling.mangled(CLEANUP),
)
def test_what_is_mangled_around_it(
    registry: Registry, host: Host, main: Tree, environment: Tree, cleanup: Tree
) -> None:
    changed = {"main": main, "environment": environment, "cleanup": cleanup}
    mistakes_in(files_of(**{name: written(tree) for name, tree in changed.items()}), registry, host)


def put(*path: str | int, value: object) -> Callable[[Tree], None]:
    def change(tree: Tree) -> None:
        mangling.at(tree, path[:-1])[path[-1]] = value

    return change


def drop(*path: str | int) -> Callable[[Tree], None]:
    def change(tree: Tree) -> None:
        del mangling.at(tree, path[:-1])[path[-1]]

    return change


ALONE = {
    "a wrong type": put("timeout", value=[]),
    "an unknown key": put("no_such_key", value=1),
    "a key of a step": put("steps", 2, "no_such_key", value=1),
    "an unknown kind": put("kind", value="nobody"),
    "an unknown environment": put("environments", value=["e", "nobody"]),
    "a stop": put("stop", "applying", value="everybody"),
    "a pattern": put("params", "v", "pattern", value="("),
    "a default": put("params", "count", "default", value=99),
    "a choice": put("params", "tier", "default", value="test"),
    "a role": put("approval", "roles", value=["boss"]),
    "a matrix": put("before", 1, "matrix", "size", value=[]),
    "a reference": put("before", 0, "with", "run", value=["${params.nobody}"]),
    "an outcome": put("before", 2, "outcomes", "exit 0", value="stop"),
    "attempts": put("steps", 0, "retry", "attempts", value=1),
    "a setting": put("steps", 0, "with", "action", value="sail"),
    "a need": put("steps", 1, "needs", value=["nobody"]),
    "a secret": put("steps", 1, "env", "TOKEN", value={"secret": "nobody"}),
    "a condition": put("steps", 4, "when", value="params.tier =="),
    "an adapter": put("on_success", 0, "uses", value="nobody"),
    "a touching before": put("before", 0, "touches", value=True),
    "a name twice": put("on_failure", 0, "name", value="tell"),
    "no name": drop("on_cancel", 0, "name"),
    "an output too early": put("on_warning", 0, "with", "run", value=["${steps.report.outputs.x}"]),
}


@examples("mistakes together", *HealthCheck)
@given(names=st.lists(st.sampled_from(sorted(ALONE)), min_size=2, max_size=3, unique=True))
def test_independent_mistakes_are_reported_together(
    registry: Registry, host: Host, names: list[str]
) -> None:
    def told(*changes: str) -> set[tuple[str, str]]:
        tree = copy.deepcopy(PIPELINE)
        for name in changes:
            ALONE[name](tree)
        found = mistakes_in(files_of(pipeline=written(tree)), registry, host)
        return {(one.key, one.text) for one in found if "line" not in one.text}

    for name in names:
        assert told(name) <= told(*names), name


@pytest.mark.parametrize("name", sorted(ALONE))
def test_each_of_them_is_a_mistake(registry: Registry, host: Host, name: str) -> None:
    tree = copy.deepcopy(PIPELINE)
    ALONE[name](tree)
    assert mistakes_in(files_of(pipeline=written(tree)), registry, host)
