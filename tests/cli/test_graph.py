"""The drawing of a pipeline: what follows what, what runs side by side, and what is unusual."""

import io
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.cli.client.wire import AskedApproval, Outcome, Parameter, PipelineStep, Retry
from orchestrator.cli.view.graph import graph_lines
from orchestrator.cli.view.layout import layout
from orchestrator.cli.view.pipeline import pipeline_lines
from orchestrator.cli.view.terminal import Terminal
from tests.cli import cli_samples as samples
from tests.cli.cli_samples import defined
from tests.seed_budget import examples


@pytest.fixture
def pipe() -> Terminal:
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    return Terminal(out, io.StringIO(), no_color=True, as_json=False)


def drawn(**needs: str) -> list[str]:
    """Each line of the layout; `c="a b"`: c needs a and b."""
    places = layout({name: wanted.split() for name, wanted in needs.items()})
    return [
        f"{place.before}{place.name}" + (f" after {' '.join(place.after)}" if place.after else "")
        for place in places
    ]


def test_what_follows_stands_below() -> None:
    assert drawn(a="", b="a", c="b") == ["a", "b", "c"]
    assert drawn(c="b a", b="a", a="") == ["a", "b", "c"], "that c needs a goes without saying"


def test_brackets_hold_what_runs_side_by_side() -> None:
    """What runs side by side is held by a bracket."""
    assert drawn(a="", t1="a", t2="a", t3="a", b="t1 t2 t3", c="b") == [
        "a",
        "┌─ t1",
        "├─ t2",
        "└─ t3",
        "b",
        "c",
    ]
    assert drawn(a="", b="", c="b") == ["┌─ a", "└─ b", "   c"]
    assert drawn(a1="", a2="", b1="a1 a2", b2="a1 a2") == ["┌─ a1", "└─ a2", "┌─ b1", "└─ b2"]


def test_brackets_in_brackets() -> None:
    assert drawn(a="", b="a", c="a", d="b", e="b", f="d e", g="c", z="f g") == [
        "a",
        "┌─ b",
        "│  ┌─ d",
        "│  └─ e",
        "│  f",
        "└─ c",
        "   g",
        "z",
    ]


def test_what_is_neither_is_told_in_words() -> None:
    assert drawn(a="", x="a", y="a", u="x", v="x y", z="u v") == [
        "a",
        "┌─ x",
        "├─ y",
        "├─ u after x",
        "└─ v after x y",
        "z",
    ]


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    names = [f"s{place}" for place in range(draw(st.integers(0, 9)))]
    return {
        name: draw(st.lists(st.sampled_from(names[:place]), max_size=3)) if place else []
        for place, name in enumerate(names)
    }


@examples("drawn graphs")
@given(graphs())
def test_every_step_is_drawn_once(needs: dict[str, list[str]]) -> None:
    """Every step is drawn once, below all that it needs."""
    places = [one.name for one in layout(needs)]
    assert sorted(places) == sorted(needs)
    for name, wanted in needs.items():
        for need in wanted:
            assert places.index(need) < places.index(name)


def test_long_wide_and_deep() -> None:
    """As long, as wide and as deep as you like."""
    count = 3000
    chain = {str(place): [str(place - 1)] if place else [] for place in range(count)}
    assert [one.before for one in layout(chain)] == [""] * count
    wide: dict[str, list[str]] = {f"a{place}": [] for place in range(200)}
    wide |= {f"b{place}": list(wide) for place in range(200)}
    assert {one.before for one in layout(wide)} == {"┌─ ", "├─ ", "└─ "}
    deep: dict[str, list[str]] = {"0": []}
    for place in range(1, 300):
        deep |= {f"{place}": [f"{place - 1}"], f"side{place}": [f"{place - 1}"]}
    assert len(layout(deep)) == len(deep)
    assert max(len(one.before) for one in layout(deep)) < 200


LATE = ["late[1]", "late[2]"]


def matrix(name: str, values: dict[str, object], *needs: str, **fields: object) -> PipelineStep:
    shown = f"{name}[{','.join(map(str, values.values()))}]"
    return defined(shown, *needs, matrix=values, matrix_of=name, **fields)


def test_everything_that_is_not_as_by_default(pipe: Terminal) -> None:
    beside = {"max_parallel": 2, "stage": "tests"}
    tests = [
        matrix("test", {"on": browser, "size": size}, "build", section="before", **beside)
        for browser in ("firefox", "chromium")
        for size in (1, 2)
    ]
    retry: Retry = {"attempts": 5, "backoff": 5.0, "factor": 2.0, "max": 60.0, "on": ["exit 75"]}
    warns: Outcome = {"match": "exit 75", "then": "warn", "skip": [], "reason": None}
    skips: Outcome = {
        "match": "exit 3",
        "then": "continue",
        "skip": ["late[1]", "late[2]"],
        "reason": "dull",
    }
    steps = [
        defined("build", section="before"),
        *tests,
        defined("ship", touches=True, timeout=90.0, retry=retry, outcomes=[warns, skips]),
        defined("ask", "ship", uses="approval"),
        *(matrix("late", {"n": n}, "ask", when="matrix.n > 1") for n in (1, 2)),
        defined("page", section="on_failure"),
        defined("report", section="finally"),
    ]
    asked: AskedApproval = {
        "count": 1,
        "roles": ["approver", "admin"],
        "not_submitter": False,
        "expires": None,
        "environment": None,
    }
    approvals: list[AskedApproval] = [
        asked,
        {**asked, "environment": "e", "count": 2, "not_submitter": True, "expires": 14400.0},
    ]
    assert graph_lines(steps, pipe, approvals) == [
        "  before",
        "    build        command",
        "    test[…] \N{MULTIPLICATION SIGN} 4  command            stage tests  2 at a time",
        "      on: firefox, chromium; size: 1, 2",
        "  approvals",
        "    every job  1 of approver or admin",
        "    jobs in e  2 of approver or admin, not who submitted it, within 4h 00m",
        "  steps",
        "    ship         command   touches",
        "      timeout 1m 30s",
        "      5 attempts, 5s apart, each wait 2 times as long, 1m 00s at most, after exit 75",
        "      exit 75: warn",
        "      exit 3: continue, skip late (dull)",
        "    ask          approval",
        "      asks people, and holds the environment meanwhile",
        "    late[…] \N{MULTIPLICATION SIGN} 2  command",
        "      n: 1, 2",
        "      when matrix.n > 1",
        "  on_failure",
        "    page         command",
        "  finally",
        "    report       command",
    ]


def test_a_setting_without_words_of_its_own(pipe: Terminal) -> None:
    """It is shown by its name, and not at all where it says nothing."""
    step = cast(PipelineStep, {**defined("a"), "patience": 1.5, "shy": False, "moods": []})
    assert graph_lines([step], pipe)[2:] == ["      patience 1.5"]


def test_without_unicode(pipe: Terminal) -> None:
    pipe.unicode = False
    steps = [defined("a"), *(matrix("b", {"n": n}) for n in (1, 2)), defined("c")]
    assert all(line.isascii() for line in graph_lines(steps, pipe))


def test_names_cannot_paint(pipe: Terminal) -> None:
    steps = [defined("a", when='params.x == "\x1b[31m"')]
    assert "\x1b" not in "".join(graph_lines(steps, pipe))


def test_many_choices_stand_below_their_parameter(pipe: Terminal) -> None:
    choices = [f"choice-{place}" for place in range(12)]
    many: Parameter = {
        **samples.PIPELINE["params"][0],
        "name": "many",
        "choices": choices,
        "pattern": None,
    }
    lines = pipeline_lines({**samples.PIPELINE, "params": [many]}, pipe)
    at = lines.index("  params")
    assert lines[at + 2].startswith("      of choice-0, choice-1, ")
    assert lines[at + 3].endswith("choice-11")
    assert max(map(len, lines)) <= 80
