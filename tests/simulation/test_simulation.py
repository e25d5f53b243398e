"""The real engine through crashes, reboots and failing disks, in virtual time, from seeds."""

from tests.proof_lines import CountProof
from tests.seed_budget import in_chunks
from tests.simulation.sim_run import simulate


@in_chunks("simulation", 20)
def test_whatever_happens_no_rule_is_broken(seeds: range, count_proof: CountProof) -> None:
    for seed in seeds:
        count_proof("simulation", {"seeds": 1})
        report = simulate(seed)
        figures = {"jobs": report.jobs, "crashes": report.lives - 1, "tools": report.tools}
        count_proof("simulation", figures)


def test_a_seed_decides_everything() -> None:
    for seed in (1, 2, 3):
        first, again = simulate(seed), simulate(seed)
        assert first.journal() == again.journal()
        assert (first.jobs, first.lives, first.tools) == (again.jobs, again.lives, again.tools)
