"""Settings at run time: references resolved and fitted to the declared type."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from orchestrator.config.settings import SettingsInvalid, resolve_settings
from orchestrator.core.values.references import JobFacts, ReferenceUnknown, Scope

SCOPE = Scope(
    job=JobFacts(id=118, pipeline="web", environment="production", submitter="ada"),
    params={
        **{"n": "10", "word": "plan", "yes": "true"},
        **{"count": 3, "many": ["a", "b c"], "nothing": None, "none": []},
    },
    vars={"zones": ["a", "b"], "flag": True, "table": {"k": "v"}},
)


class Inner(msgspec.Struct, frozen=True):
    count: int = 0


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    run: tuple[str, ...] = ()
    parallelism: int | None = None
    enabled: bool = False
    either: str | int = ""
    vars: dict[str, Any] = {}
    inner: Inner | str = Inner()

    def __post_init__(self) -> None:
        if self.parallelism is not None and self.parallelism < 1:
            raise ValueError("parallelism must be 1 or more")


FITTED = [
    ({"run": ["x", "${job.id}", "${environment.vars.flag}"]}, Settings(run=("x", "118", "true"))),
    ({"run": "${environment.vars.zones}"}, Settings(run=("a", "b"))),
    ({"parallelism": "${params.n}"}, Settings(parallelism=10)),
    ({"enabled": "${params.yes}"}, Settings(enabled=True)),
    ({"either": "${job.id}"}, Settings(either=118)),
    ({"either": "${params.n}"}, Settings(either="10")),
    (
        {"vars": {"a": "${job.id}", "b": ["${params.n}"], "c": "${environment.vars.table}"}},
        Settings(vars={"a": 118, "b": ["10"], "c": {"k": "v"}}),
    ),
    ({"inner": {"count": "${params.n}"}}, Settings(inner=Inner(10))),
    ({"inner": "$${x}"}, Settings(inner="${x}")),
    (
        {"run": ["x", "${params.many}", "${params.none}", "${params.count}", "${params.nothing}"]},
        Settings(run=("x", "a", "b c", "3", "")),
    ),
    ({"run": "${params.many}"}, Settings(run=("a", "b c"))),
    ({"parallelism": "${params.count}"}, Settings(parallelism=3)),
    ({"parallelism": "${params.nothing}"}, Settings(parallelism=None)),
    (
        {"vars": {"a": "${params.many}", "b": ["${params.many}"], "c": "${params.count}"}},
        Settings(vars={"a": ["a", "b c"], "b": [["a", "b c"]], "c": 3}),
    ),
]


@pytest.mark.parametrize(("table", "expected"), FITTED)
def test_fitted(table: dict[str, Any], expected: Settings) -> None:
    assert resolve_settings(table, SCOPE, Settings) == expected


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"parallelism": "${params.word}"}, "with.parallelism"),
        ({"parallelism": "${environment.vars.zones}"}, "with.parallelism"),
        ({"run": ["${environment.vars.table}"]}, "with.run[0]"),
        ({"parallelism": 0}, "parallelism must be 1 or more"),
    ],
)
def test_what_does_not_fit_says_where(table: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        resolve_settings(table, SCOPE, Settings)
    assert message in str(caught.value)


def test_what_is_absent_is_empty_text() -> None:
    """The failed step of a success, the debt of a cleanup that pays none."""
    scope = replace(SCOPE, job=replace(SCOPE.job, conclusion="success"))
    table = {"run": ["x", "${job.failed_step}", "${debt.job}"], "either": "${job.failed_step}"}
    assert resolve_settings(table, scope, Settings) == Settings(run=("x", "", ""), either="")


def test_an_unknown_reference_is_its_own_error() -> None:
    with pytest.raises(ReferenceUnknown):
        resolve_settings({"run": ["${params.m}"]}, SCOPE, Settings)
