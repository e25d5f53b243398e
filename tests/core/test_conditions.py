"""`when`: parsed, refused, evaluated in every scope, explained."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.values.condition_parser import DEEPEST, LONGEST
from orchestrator.core.values.conditions import ConditionMalformed, foreseen, holds, parse, why
from orchestrator.core.values.reference_check import Known, check_condition
from orchestrator.core.values.references import JobFacts, Reference, Scope
from tests.seed_budget import examples

SCOPE = Scope(
    job=JobFacts(id=118, pipeline="web", environment="eu/production", submitter="ada"),
    params={"tier": "dev", "empty": "", "no": "false", "2nd-try": "x"},
    vars={
        "region": "eu-west-2",
        "zones": ["a", "b"],
        "ports": [80, 443],
        "on": True,
        "net": {"cidr": "10/8", "deep": [{"x": 1}]},
        "huge": 10**400,
        "none": float("nan"),
        "void": [],
        "bare": {},
    },
    outputs={
        "plan": {
            "changes": 3,
            "said": "3",
            "zero": "0",
            "ratio": 0.5,
            "nothing": None,
            "yes": "true",
        },
        "early": {},
    },
    not_run=frozenset({"early"}),
    matrix={"zone": "a"},
)

TRUE = [
    "true",
    "not false",
    "not null",
    "'a'",
    "1",
    "[null]",
    'params.tier == "dev"',
    "${params.tier} == 'dev'",
    "params.tier in ['dev', \"test\"]",
    "params.tier not in ['prod']",
    "'eu/' in environment.name",
    "environment.name == 'eu/production' and environment.vars.region == 'eu-west-2'",
    "environment.vars.on",
    "environment.vars.on == true",
    "environment.vars.zones == ['a', 'b']",
    "environment.vars.net.cidr == '10/8'",
    "environment.vars.net == environment.vars.net",
    "443 in environment.vars.ports",
    "environment.vars.huge > 1.5",
    "environment.vars.huge != 1e999",
    "environment.vars.none != environment.vars.none",
    "matrix.zone == 'a'",
    "params.2nd-try == 'x'",
    "steps.plan.outputs.changes == 3.0",
    "steps.plan.outputs.changes > 2",
    "steps.plan.outputs.changes >= 3 and steps.plan.outputs.changes <= 3",
    "steps.plan.outputs.ratio < 1",
    "job.id == 118",
    "job.conclusion == null",
    "steps.early.outputs.x == null",
    "steps.unheard.outputs.x == null",
    "params.absent == null",
    "params.absent != 'x'",
    "debt.job == ''",
    "false or false or true",
    "not (true and false)",
    "not 1 == 2",
    "true or false and false",
    "'b' > 'a'",
    "'10' < '9'",
    "-1.5e3 == -1500",
    "[1, 2,] == [1.0, 2.0]",
    "1 in [[1], 1]",
    r"'it\'s \"so\"\\\n' == " + '"it\'s \\"so\\"\\\\\\n"',
    # what scripts write is text
    "steps.plan.outputs.said == 3",
    "steps.plan.outputs.said > 2.5",
    "steps.plan.outputs.said in [1, 2, 3]",
    "steps.plan.outputs.yes",
    "steps.plan.outputs.yes == true",
    "params.no == false",
]
FALSE = [
    "false",
    "null",
    "''",
    "0",
    "-0.0",
    "[]",
    "environment.vars.void",
    "environment.vars.bare",
    "not true",
    "params.empty",
    "params.absent",
    "true == 1",
    "[true] == [1]",
    "null == false",
    "null == ''",
    "'a' < 1",
    "null < 1",
    "1 < null",
    "[1] < [2]",
    "true > false",
    "'dev' == ['dev']",
    "3 in '123'",
    "'a' in null",
    "'a' in 5",
    "environment.vars.none == environment.vars.none",
    "environment.vars.zones == ['a']",
    "environment.vars.net == environment.vars.bare",
    "environment.vars.region.deeper",
    "job.conclusion",
    "steps.early.outputs.x",
    # what scripts write is text
    "params.no",
    "steps.plan.outputs.zero",
    "'007' == 7",
    "' 7' == 7",
    "'3' == '3.0'",
    "'inf' > 1",
]


@pytest.mark.parametrize("text", TRUE)
def test_true(text: str) -> None:
    assert holds(parse(text), SCOPE)


@pytest.mark.parametrize("text", FALSE)
def test_false(text: str) -> None:
    assert not holds(parse(text), SCOPE)


MALFORMED = [
    ("", 1, "expected a value, got the end"),
    ("params.a ==", 12, "expected a value, got the end"),
    ("params.a == prod", 13, 'text stands in quotes: "prod"'),
    ("params.a && params.b", 10, "there is no &&; did you mean and?"),
    ("params.a || params.b", 10, "there is no ||; did you mean or?"),
    ("params.a = 1", 10, "there is no =; did you mean ==?"),
    ("params.a === 1", 12, "there is no =; did you mean ==?"),
    ("!params.a", 1, "there is no !; did you mean not?"),
    ("params.a AND true", 10, "got AND; did you mean and?"),
    ("True", 1, "there is no True; did you mean true?"),
    ("None == 1", 1, "there is no None; did you mean null?"),
    ("params.a params.b", 10, "expected `and`, `or`, a comparison or the end, got params.b"),
    ("(params.a", 10, "expected `and`, `or`, a comparison or `)`, got the end"),
    ("params.a)", 9, "a comparison or the end, got )"),
    ("[1 2]", 4, "expected `,` or `]`, got 2"),
    ("[1, 2", 6, "expected `,` or `]`, got the end"),
    ("[,]", 2, "expected a value, got ,"),
    ("1 < 2 < 3", 7, "comparisons are not chained: write `and`"),
    ("params.a not 3", 14, "expected `in` after `not`, got 3"),
    ("params.a + 1", 10, "+ means nothing here (there is no arithmetic)"),
    ("'open", 1, "the closing ' of this text is missing"),
    ('params.a == "open', 13, 'the closing " of this text is missing'),
    ("'a\\q'", 3, "a backslash in quotes stands before n, t, a quote or a backslash"),
    ("${params.a", 1, "the closing } of this reference is missing"),
    ("${params a}", 1, "${params a}: a reference is names with dots between them"),
    ("'x-${params.a}'", 4, "text in quotes is taken as it is: a reference stands without quotes"),
    ("1.2.3 == 1", 1, '1.2.3 is no number; text stands in quotes: "1.2.3"'),
    ("007", 1, "007 is no number"),
    ("params.a == \x1b", 13, "\\x1b means nothing here"),
    ("and", 1, "expected a value, got and"),
    ("(" * 51 + "1" + ")" * 51, 51, "more than 50 levels inside each other"),
    ("not " * 51 + "1", 201, "more than 50 levels"),
    ("[" * 51, 51, "more than 50 levels"),
    ("'" + "x" * LONGEST + "'", 1001, "a condition has at most 1000 characters"),
]


@pytest.mark.parametrize(("text", "column", "message"), MALFORMED)
def test_malformed(text: str, column: int, message: str) -> None:
    with pytest.raises(ConditionMalformed) as caught:
        parse(text)
    assert caught.value.column == column
    assert str(caught.value).startswith(f"column {column}: ")
    assert message in str(caught.value)


WHY = [
    ('params.tier == "prod"', 'when params.tier == "prod" is false (params.tier is "dev")'),
    (
        "params.tier == 'prod'\n  and steps.plan.outputs.changes > 5",
        "when params.tier == 'prod' and steps.plan.outputs.changes > 5 is false "
        '(params.tier is "dev"; steps.plan.outputs.changes is 3)',
    ),
    (
        "params.empty or params.empty",
        'when params.empty or params.empty is false (params.empty is "")',
    ),
    ("false", "when false is false"),
    ("true", "when true is true"),
    (
        "steps.early.outputs.x and job.conclusion == 'a'",
        "when steps.early.outputs.x and job.conclusion == 'a' is false "
        "(steps.early.outputs.x is null: step early did not run; "
        "job.conclusion is null: it is not known before the job has ended)",
    ),
    (
        "params.teir",
        "when params.teir is false (params.teir is null: there is no teir; did you mean tier?)",
    ),
    (
        "'x' in environment.vars.zones",
        'when \'x\' in environment.vars.zones is false (environment.vars.zones is ["a", "b"])',
    ),
    (
        "environment.vars.net == 1 or environment.vars.huge == 1 or not environment.vars.on",
        "when environment.vars.net == 1 or environment.vars.huge == 1 or not environment.vars.on "
        "is false (environment.vars.net is a table; environment.vars.huge is a very large number; "
        "environment.vars.on is true)",
    ),
]


@pytest.mark.parametrize(("text", "sentence"), WHY)
def test_why(text: str, sentence: str) -> None:
    assert why(parse(text), SCOPE) == sentence


def test_why_neither_grows_nor_carries_escapes() -> None:
    scope = Scope(job=SCOPE.job, params={"x": "\x1b[31m" + "y" * 5000})
    sentence = why(parse("params.x == '" + "z" * 900 + "'"), scope)
    assert sentence.isprintable()
    assert len(sentence) < 400
    assert '(params.x is "\\x1b[31myyy' in sentence


def test_references_are_found_in_order() -> None:
    """References are found once, in the order of the text."""
    condition = parse("params.b == [params.a, ${job.id}] or not (params.b in environment.name)")
    assert condition.references == (
        Reference(("params", "b")),
        Reference(("params", "a")),
        Reference(("job", "id")),
        Reference(("environment", "name")),
    )


KNOWN = Known(
    params=frozenset({"tier"}),
    vars={"e": {"region": 1}},
    steps=("plan", "apply"),
    ended=("plan",),
)
CHECKED = [
    ("params.tier == 'x' and steps.plan.outputs.changes and environment.vars.region", []),
    ("params.tier = 1", ["column 13: there is no =; did you mean ==?"]),
    (
        "params.teir == 1 or ${environment.vars.regoin} or steps.apply.outputs.x",
        [
            "${params.teir}: the pipeline has no parameter teir; did you mean tier?",
            "${environment.vars.regoin}: no regoin in the vars of environment e; "
            "did you mean region?",
            "${steps.apply.outputs.x}: step apply has not ended when this is read",
        ],
    ),
    ("matrix.zone", ["${matrix.zone}: only a step with a `matrix` can read this"]),
    (
        "job.conclusion",
        [
            "${job.conclusion} is not known before the steps have ended: "
            "read it in `finally` or `on_…`",
        ],
    ),
    (
        "parms.tier",
        [
            "${parms.tier}: parms is none of params, environment, steps, matrix, job, debt; "
            "did you mean params?"
        ],
    ),
    ("params", ["${params}: only params.X can be read"]),
]


@pytest.mark.parametrize(("text", "problems"), CHECKED)
def test_checked_before_there_is_a_job(text: str, problems: list[str]) -> None:
    assert [str(problem) for problem in check_condition(text, KNOWN)] == problems


def test_checked_in_a_matrix_and_at_the_end() -> None:
    known = Known(matrix=frozenset({"zone"}), at_end=True)
    assert not list(check_condition("matrix.zone and job.conclusion and job.failed_step", known))
    [problem] = check_condition("matrix.zoen", known)
    assert str(problem) == "${matrix.zoen}: the step's matrix has no zoen; did you mean zone?"


NAMES = ("a", "b-1", "c")
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "a", "true", "false", "1", "1.0", "b"])
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=6,
)
SCOPES = st.builds(
    lambda values: Scope(job=SCOPE.job, vars=values),
    st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3),
)
SIGNS = ["and", "or", "not", "in", "==", "!=", "<", ">=", "(", ")", "[", "]", ",", "&&"]
SINGLE = ["true", "null", "'a'", '"1"', "1", "-2.5", "environment.vars.a", "${environment.vars.c}"]
WORDS = st.sampled_from(SIGNS + SINGLE)


@examples("conditions")
@given(st.text() | st.lists(WORDS, max_size=12).map(" ".join), SCOPES)
def test_any_text_is_malformed_or_has_an_answer(text: str, scope: Scope) -> None:
    try:
        condition = parse(text)
    except ConditionMalformed as malformed:
        assert 1 <= malformed.column <= max(len(text), LONGEST) + 1
        return
    assert isinstance(holds(condition, scope), bool)
    assert why(condition, scope).isprintable()


def test_the_deepest_condition_and_value_have_an_answer() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    scope = Scope(job=SCOPE.job, vars={"deep": deep, "same": [[deep]]})
    text = "environment.vars.deep == environment.vars.same"
    assert not holds(parse(text), scope)
    assert why(parse(text), scope).startswith(f"when {text} is false (environment.vars.deep is [")
    assert holds(parse("(" * DEEPEST + "1" + ")" * DEEPEST), scope)
    assert holds(parse("not " * DEEPEST + "1"), scope)
    assert holds(parse(" and ".join(["1"] * 166)), scope)


FORESEEN = [
    ("params.tier == 'dev'", True),
    ("params.tier == 'prod' and steps.later.outputs.x", False),
    ("steps.later.outputs.x and params.tier == 'prod'", False),
    ("params.tier == 'dev' or steps.later.outputs.x", True),
    ("params.tier == 'prod' or steps.later.outputs.x", None),
    ("not steps.later.outputs.x", None),
    ("steps.later.outputs.x == null", None),
    ("job.conclusion == 'failure'", None),
    ("'a' in [steps.later.outputs.x]", None),
    ("steps.plan.outputs.nothing == null", True),
    ("not (steps.later.outputs.x and false)", True),
]


@pytest.mark.parametrize(("text", "answer"), FORESEEN)
def test_foreseen(text: str, answer: bool | None) -> None:
    assert foreseen(parse(text), SCOPE) is answer


# An independent model: the same condition as a Python expression over values of a plain class.


class Modelled:
    """A value with the comparisons of conditions, as Python operators."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def _pair(self, other: "Modelled") -> tuple[Any, Any]:
        pair = [self.value, other.value]
        for mine, its in ((0, 1), (1, 0)):
            if isinstance(pair[mine], str) and isinstance(pair[its], bool | int | float):
                pair[mine] = Modelled(pair[mine]).said()
        return pair[0], pair[1]

    def said(self) -> Any:
        if self.value in ("true", "false"):
            return self.value == "true"
        try:
            number = json.loads(self.value)
        except (ValueError, TypeError):
            return self.value
        plain = isinstance(number, int | float) and self.value.strip() == self.value
        finite = plain and not isinstance(number, bool) and math.isfinite(number)
        return number if finite else self.value

    def __bool__(self) -> bool:
        return bool(self.said() if isinstance(self.value, str) else self.value)

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, Modelled)
        left, right = self._pair(other)
        if isinstance(left, list) and isinstance(right, list):
            return len(left) == len(right) and all(
                Modelled(a) == Modelled(b) for a, b in zip(left, right, strict=True)
            )
        if isinstance(left, dict) and isinstance(right, dict):
            return set(left) == set(right) and all(
                Modelled(left[key]) == Modelled(right[key]) for key in left
            )
        if isinstance(left, bool) or isinstance(right, bool):
            return left is right
        return bool(left == right)

    def __hash__(self) -> int:
        raise TypeError

    def __lt__(self, other: "Modelled") -> bool:
        left, right = self._pair(other)
        if isinstance(left, bool) or isinstance(right, bool):
            return False
        try:
            return bool(left < right) and not isinstance(left, list)
        except TypeError:
            return False

    def __gt__(self, other: "Modelled") -> bool:
        return other < self

    def __le__(self, other: "Modelled") -> bool:
        return self < other or (self._ordered(other) and self == other)

    def __ge__(self, other: "Modelled") -> bool:
        return other <= self

    def _ordered(self, other: "Modelled") -> bool:
        pair = self._pair(other)
        return all(isinstance(one, str) for one in pair) or all(
            isinstance(one, int | float) and not isinstance(one, bool) for one in pair
        )

    def __contains__(self, part: object) -> bool:
        assert isinstance(part, Modelled)
        if isinstance(self.value, str):
            return isinstance(part.value, str) and part.value in self.value
        return isinstance(self.value, list) and any(Modelled(one) == part for one in self.value)


def _unwrapped(value: Any) -> Any:
    return value.value if isinstance(value, Modelled) else value


def _model(value: Any) -> Modelled:
    value = _unwrapped(value)
    return Modelled([_unwrapped(item) for item in value] if isinstance(value, list) else value)


class Written:
    """One condition twice: in its own language and in Python."""

    def __init__(self, text: str, python: str) -> None:
        self.text = text
        self.python = python


LITERALS = (
    st.sampled_from(["", "a", "b", "true", "false", "0", "1", "1.0", "-2"]).map(
        lambda s: Written(f'"{s}"', f"M({s!r})")
    )
    | st.integers(-3, 3).map(lambda n: Written(str(n), f"M({n})"))
    | st.sampled_from([0.0, 0.5, 1.0, -2.0]).map(lambda n: Written(repr(n), f"M({n!r})"))
    | st.sampled_from([("true", True), ("false", False), ("null", None)]).map(
        lambda pair: Written(pair[0], f"M({pair[1]!r})")
    )
    | st.sampled_from(NAMES).map(lambda n: Written(f"environment.vars.{n}", f"M(scope.get({n!r}))"))
)


def _binary(parts: tuple[Written, str, Written]) -> Written:
    left, sign, right = parts
    python = f"M(({left.python}) {sign} ({right.python}))"
    if sign in ("and", "or"):
        python = f"M(bool({left.python}) {sign} bool({right.python}))"
    return Written(f"({left.text}) {sign} ({right.text})", python)


CONDITIONS = st.recursive(
    LITERALS,
    lambda inner: (
        st.tuples(
            inner,
            st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"]),
            inner,
        ).map(_binary)
        | inner.map(lambda one: Written(f"not ({one.text})", f"M(not ({one.python}))"))
        | st.lists(inner, max_size=3).map(
            lambda items: Written(
                f"[{', '.join(f'({one.text})' for one in items)}]",
                f"M([{', '.join(one.python for one in items)}])",
            )
        )
    ),
    max_leaves=8,
)


@examples("condition answers")
@given(CONDITIONS.filter(lambda one: len(one.text) <= LONGEST), SCOPES)
def test_as_the_model_says(condition: Written, scope: Scope) -> None:
    expected = bool(eval(condition.python, {"M": _model, "scope": scope.vars}))
    assert holds(parse(condition.text), scope) is expected


@examples("foreseen conditions")
@given(
    CONDITIONS.filter(lambda one: len(one.text) <= LONGEST), SCOPES, st.sets(st.sampled_from(NAMES))
)
def test_what_is_foreseen_holds_whatever_is_read_later(
    condition: Written, scope: Scope, early: set[str]
) -> None:
    later = frozenset(("environment", "vars", name) for name in early)
    answer = foreseen(parse(condition.text), Scope(job=scope.job, vars=scope.vars, later=later))
    assert answer in (None, holds(parse(condition.text), scope))
    if not early:
        assert answer is not None
