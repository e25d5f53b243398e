"""The real engine through crashes, reboots and failing disks, in virtual time, from seeds."""

import pytest

from tests.simulation.sim_run import simulate

SEEDS = 1_000
CHUNK = 20


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_whatever_happens_no_rule_is_broken(first: int, request: pytest.FixtureRequest) -> None:
    only = request.config.getoption("--seed", default=None)
    if only is None:
        for seed in range(first, first + CHUNK):
            simulate(seed)
    elif first == 0:
        print(*simulate(only).journal(), sep="\n")


def test_a_seed_decides_everything() -> None:
    for seed in (1, 2, 3):
        first, again = simulate(seed), simulate(seed)
        assert first.journal() == again.journal()
        assert (first.jobs, first.lives, first.tools) == (again.jobs, again.lives, again.tools)
