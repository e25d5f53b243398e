"""`${…}`: parsed, found, resolved, refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.values.reference_check import Known, check_references
from orchestrator.core.values.references import (
    DebtFacts,
    JobFacts,
    Reference,
    ReferenceMalformed,
    ReferenceNotText,
    ReferenceProblem,
    ReferenceTooEarly,
    ReferenceUnknown,
    Scope,
    is_reference,
    parse,
    references,
    resolve,
)
from tests.row_ids import told_by
from tests.seed_budget import examples

SCOPE = Scope(
    job=JobFacts(id=118, pipeline="team/web", environment="eu/production", submitter="ada"),
    params={"version": "v1.2.3", "odd": "${params.version}", "empty": ""},
    vars={"region": "eu-west-2", "zones": ["a", "b"], "on": True, "net": {"cidr": "10/8"}},
    outputs={"plan": {"count": 3, "ratio": 0.5, "nothing": None, "ids": [1, 2]}, "quiet": {}},
)

RESOLVED = [
    ("plain", "plain"),
    ("", ""),
    (7, 7),
    ("${params.version}", "v1.2.3"),
    ("a-${params.version}-b", "a-v1.2.3-b"),
    ("${params.version}${params.empty}", "v1.2.3"),
    ("${environment.name}", "eu/production"),
    ("${environment.vars.zones}", ["a", "b"]),
    ("${environment.vars.net}", {"cidr": "10/8"}),
    ("${environment.vars.net.cidr}", "10/8"),
    ("${environment.vars.on}", True),
    ("on=${environment.vars.on}", "on=true"),
    ("${steps.plan.outputs.count}", 3),
    ("${steps.plan.outputs.count}/${steps.plan.outputs.ratio}", "3/0.5"),
    ("<${steps.plan.outputs.nothing}>", "<>"),
    ("${job.id}", 118),
    ("job-${job.id} ${job.pipeline} ${job.submitter}", "job-118 team/web ada"),
    ("$${params.version}", "${params.version}"),
    ("$$${params.version}", "$${params.version}"),
    ("$ $x {} $${ ${params.version}", "$ $x {} ${ v1.2.3"),
    ("${params.odd}", "${params.version}"),
    ("x${params.odd}", "x${params.version}"),
    ("${debt.job}", ""),
    ("by ${debt.job}", "by "),
    (
        {"run": ["a", "${job.id}"], "deep": {"x": ["${params.version}"]}, "n": 1},
        {"run": ["a", 118], "deep": {"x": ["v1.2.3"]}, "n": 1},
    ),
]


@pytest.mark.parametrize(("value", "expected"), RESOLVED)
def test_resolved(value: Any, expected: Any) -> None:
    assert resolve(value, SCOPE) == expected


REFUSED = [
    ("${params.version", ReferenceMalformed, "${params.version: the closing } is missing"),
    ("${}", ReferenceMalformed, "${}: a reference is names with dots between them"),
    ("${params. version}", ReferenceMalformed, "${params. version}: a reference is"),
    ("${params..version}", ReferenceMalformed, "${params..version}: a reference is"),
    ("${${params.version}}", ReferenceMalformed, "${$: the closing } is missing"),
    ("${params.vresion}", ReferenceUnknown, "there is no vresion; did you mean version?"),
    (
        "${parms.version}",
        ReferenceUnknown,
        "parms is none of params, environment, steps, matrix, job",
    ),
    ("${params}", ReferenceUnknown, "${params}: only params.X can be read"),
    ("${job.ide}", ReferenceUnknown, "did you mean job.id"),
    ("${environment.vars.net.x}", ReferenceUnknown, "there is no x"),
    ("${environment.vars.region.x}", ReferenceUnknown, "there is no table to read x from"),
    ("${steps.plan.outputs.cuont}", ReferenceUnknown, "did you mean count?"),
    ("${steps.apply.outputs.x}", ReferenceTooEarly, "step apply has not ended here"),
    ("${job.conclusion}", ReferenceTooEarly, "before the job has ended"),
    ("${matrix.x}", ReferenceUnknown, "${matrix.x}: there is no x"),
    ("${pools.x}", ReferenceUnknown, "`pools` is not built yet"),
    ("x${environment.vars.zones}", ReferenceNotText, "is a list: it can stand alone in a setting"),
    ("x${environment.vars.net}", ReferenceNotText, "is a table: it can stand alone in a setting"),
]


@pytest.mark.parametrize(("text", "error", "message"), REFUSED, ids=told_by(REFUSED, 0, 1))
def test_refused(text: str, error: type[ReferenceProblem], message: str) -> None:
    with pytest.raises(error) as caught:
        resolve({"a": [text]}, SCOPE)
    assert message in str(caught.value)


def test_a_debt_and_an_ended_job() -> None:
    ended = JobFacts(9, "p", "e", "ada", conclusion="failure", failed_step=None)
    scope = Scope(job=ended, debt=DebtFacts(job=8, conclusion="lost"))
    assert resolve("${debt.job} ${debt.conclusion} ${job.conclusion}", scope) == "8 lost failure"
    assert resolve("${debt.job}", scope) == 8
    assert resolve("<${job.failed_step}>", scope) == "<>"


def test_found_in_nested_values() -> None:
    value = {"a": ["x${params.a}y${job.id}", 3], "b": {"c": "$${no}"}}
    assert references(value) == (Reference(("params", "a")), Reference(("job", "id")))
    assert str(Reference(("params", "a"))) == "${params.a}"


def test_what_is_one_reference() -> None:
    assert is_reference("${params.a}")
    for other in ("x${params.a}", "${params.a}${params.a}", "$${params.a}", "${a", "", 3):
        assert not is_reference(other)


@examples("references")
@given(st.text(alphabet="${}a.$ "))
def test_parsing_ends_in_parts_or_malformed(text: str) -> None:
    try:
        parts = parse(text)
    except ReferenceMalformed:
        return
    assert "".join(str(part) for part in parts) == text.replace("$${", "${")


@examples("resolved values")
@given(st.text())
def test_a_value_is_never_read_again(value: str) -> None:
    scope = Scope(job=SCOPE.job, params={"x": value})
    assert resolve("${params.x}", scope) == value
    assert resolve("-${params.x}", scope) == f"-{value}"


KNOWN = Known(
    params=frozenset({"version"}),
    vars={"a": {"region": 1}, "b": {"region": 1, "zone": 2}},
    steps=frozenset({"plan", "apply"}),
    ended=frozenset({"plan"}),
)
CHECKED = [
    ("${params.version} ${environment.vars.region} ${environment.name} ${job.id}", None),
    ("${steps.plan.outputs.x.y} ${debt.job}", None),
    ("${params.x}", "${params.x}: the pipeline has no parameter x"),
    ("${environment.vars.zone}", "${environment.vars.zone}: no zone in the vars of environment a"),
    (
        "${steps.apply.outputs.x}",
        "${steps.apply.outputs.x}: step apply has not ended when this is read",
    ),
    (
        "${steps.plam.outputs.x}",
        "${steps.plam.outputs.x}: there is no step plam; did you mean plan?",
    ),
    ("${steps.plan.output.x}", "${steps.plan.output.x}: only steps.NAME.outputs.X can be read"),
]


@pytest.mark.parametrize(("text", "expected"), CHECKED)
def test_checked_before_there_is_a_job(text: str, expected: str | None) -> None:
    found = [(path, str(problem)) for path, problem in check_references({"k": [text]}, KNOWN)]
    assert found == ([] if expected is None else [(("k", 0), expected)])


def test_environments_that_lack_a_variable() -> None:
    """Environments that lack a variable are named in short."""
    known = Known(vars={f"e{n}": {} for n in range(8)})
    [(_, problem)] = check_references("${environment.vars.x}", known)
    assert "environment e0, e1, e2, e3, e4 and 3 more" in str(problem)
