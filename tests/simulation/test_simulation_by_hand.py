"""`python -m tests.simulation SEED` ends with a verdict."""

import re

import pytest

from tests.simulation import __main__ as by_hand
from tests.simulation.sim_run import Lines
from tests.simulation.sim_seen import Violation


@pytest.mark.slow
def test_no_rule_is_broken(capsys: pytest.CaptureFixture[str]) -> None:
    assert by_hand.main(["5"]) == 0
    *journal, verdict = capsys.readouterr().out.splitlines()
    found = re.fullmatch(r"seed 5: (\d+) events, [1-9]\d* jobs, no rule broken", verdict)
    assert found, verdict
    assert int(found[1]) == len(journal)


def test_the_rule_that_broke(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """However deep in the groups that nurseries make of it."""

    def simulate(seed: int, lines: Lines) -> None:
        raise ExceptionGroup("", [ExceptionGroup("", [Violation("job 3 was lost")])])

    monkeypatch.setattr(by_hand, "simulate", simulate)
    assert by_hand.main(["5"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[-1] == "seed 5: 0 events, then Violation: job 3 was lost"
