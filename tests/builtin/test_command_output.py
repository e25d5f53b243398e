"""The file in which a command leaves outputs."""

import pytest

from orchestrator.builtin.command_output import parse_outputs


@pytest.mark.parametrize(
    ("text", "outputs"),
    [
        ("", {}),
        ("a=1\nb=2\n", {"a": "1", "b": "2"}),
        ("a=1\na=2", {"a": "2"}),
        ("a=", {"a": ""}),
        ("a= b = c ", {"a": " b = c "}),
        ("a=x<<EOF\n", {"a": "x<<EOF"}),
        ("url=https://x/?q=1", {"url": "https://x/?q=1"}),
        ("a<<EOF\none\n\ntwo=2\nEOF\nb=3", {"a": "one\n\ntwo=2", "b": "3"}),
        ("a<<EOF\nEOF\n", {"a": ""}),
        ("a<<x=y\n1\nx=y\n", {"a": "1"}),
        ("\n  \na-b_C1=1\n", {"a-b_C1": "1"}),
        ("a=${params.x}", {"a": "${params.x}"}),
    ],
)
def test_outputs(text: str, outputs: dict[str, str]) -> None:
    found = parse_outputs(text)
    assert found.outputs == outputs
    assert found.problems == ()


@pytest.mark.parametrize(
    ("text", "outputs", "problem"),
    [
        (
            "nonsense\na=1",
            {"a": "1"},
            "line 1 of $ORCHESTRATOR_OUTPUT is not NAME=VALUE: 'nonsense'",
        ),
        ("a=1\n b=2", {"a": "1"}, "line 2 of $ORCHESTRATOR_OUTPUT is not NAME=VALUE: ' b=2'"),
        ("=1", {}, "line 1 of $ORCHESTRATOR_OUTPUT is not NAME=VALUE: '=1'"),
        ("a=1\nb<<EOF\nc=2", {"a": "1"}, "line 2 of $ORCHESTRATOR_OUTPUT: b<<EOF never ends"),
        ("\x1b[31m", {}, "line 1 of $ORCHESTRATOR_OUTPUT is not NAME=VALUE: '\\x1b[31m'"),
    ],
)
def test_problems(text: str, outputs: dict[str, str], problem: str) -> None:
    found = parse_outputs(text)
    assert found.outputs == outputs
    assert found.problems == (problem,)


def test_the_summary_is_the_first_line() -> None:
    """The summary is the first line of the output of that name."""
    assert parse_outputs("summary=3 to add\x1b[31m\n").summary == "3 to add[31m"
    assert parse_outputs("summary<<E\nfirst\nsecond\nE\n").summary == "first"
    assert len(parse_outputs(f"summary={'x' * 999}\n").summary) == 200
    assert parse_outputs("other=1\n").summary == ""
