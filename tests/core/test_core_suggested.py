"""What people are told to type means what was meant."""

import shlex

import pytest

from orchestrator.cli.parameters import read_parameters
from orchestrator.core.language.suggested_commands import to_pay
from tests.core.core_setup import submit, whole
from tests.core.core_story import given


@pytest.mark.parametrize("value", ["v1", "@v1", "@@v1", "@-", "a b", "$(date)", "", "=", "'"])
def test_a_payment_has_the_debts_parameters(value: str) -> None:
    story = given(submit("web", params={"version": value}), *whole(1)[:1])
    [debt] = story.environment().debts
    words = shlex.split(to_pay(debt, "production"))
    pairs = [word.partition("=") for word in words if "=" in word]
    assert read_parameters([(name, value) for name, _, value in pairs]) == debt.params
