"""The part of the adapter suite about daemons that die: the tool must not notice."""

import pytest

from orchestrator.testing.suite_bench import AdapterBench
from orchestrator.testing.suite_expectations import (
    AT_MOST_ONCE,
    NEVER,
    expect,
    expect_end,
    expect_runs,
    expect_stops,
)
from orchestrator.testing.suite_fate import Fate
from orchestrator.testing.suite_outcomes import expect_clean_again, expect_whole
from orchestrator.testing.suite_settings import given_or_skip
from orchestrator.testing.suite_stops import until_blocked

AFTER_EVERY_COMMIT = Fate(die_after=1)
"""Each daemon does one thing, writes it down, and dies before it acts on it."""
BEFORE_EVERY_COMMIT = Fate(die_before=2)
"""Each daemon acts on one commit, and dies before it can write down what came of it."""
EVERY_DEATH = pytest.mark.parametrize(
    "fate", [AFTER_EVERY_COMMIT, BEFORE_EVERY_COMMIT], ids=["after", "before"]
)


class CrashTests:
    """The daemon is killed in each phase and about each commit; another goes on."""

    @EVERY_DEATH
    def test_killed_at_every_commit_of_a_success(self, bench: AdapterBench, fate: Fate) -> None:
        """The tool runs once; the step succeeds with all its outputs and its whole log."""
        job = bench.begin(bench.material.succeeding(), fate)
        bench.finished(job)
        bench.restart()
        expect_end(bench, job, "success")
        expect_whole(bench, job)

    @EVERY_DEATH
    def test_killed_at_every_commit_of_a_failure(self, bench: AdapterBench, fate: Fate) -> None:
        """The tool runs once; the step fails."""
        job = bench.begin(bench.material.failing(), fate)
        bench.finished(job)
        bench.restart()
        expect_end(bench, job, "failure", runs=AT_MOST_ONCE)

    @EVERY_DEATH
    def test_killed_at_every_commit_of_a_stop(self, bench: AdapterBench, fate: Fate) -> None:
        """The tool is asked to stop, once, and the step ends as cancelled."""
        job = bench.begin(bench.material.working())
        bench.until_at_work()
        bench.restart(fate)
        bench.cancel(job)
        bench.finished(job)
        bench.restart()
        expect_end(bench, job, "cancelled")
        expect_stops(bench, job, 1)
        expect_clean_again(bench, job)

    def test_killed_while_the_tool_works(self, bench: AdapterBench) -> None:
        """The same process goes on; a stop reaches it after the restart."""
        job = bench.begin(bench.material.working())
        bench.until_at_work()
        before = bench.step(job)["pid"]
        for _ in range(2):
            bench.restart()
            bench.until_phase(job, "applying")
            bench.watch()
            after = bench.step(job)["pid"]
            expect(after == before, f"process {before} worked, and now {after} does", bench, job)
            expect_runs(bench, job)
        bench.cancel(job)
        expect_end(bench, job, "cancelled")
        expect_stops(bench, job, 1)

    def test_stopped_right_after_a_restart(self, bench: AdapterBench) -> None:
        """The stop finds the process that an earlier daemon has started."""
        job = bench.begin(bench.material.working())
        bench.until_at_work()
        bench.restart()
        bench.cancel(job)
        bench.restart()
        bench.cancel(job)
        expect_end(bench, job, "cancelled")
        expect_stops(bench, job, 1)

    def test_killed_while_the_tool_stops(self, bench: AdapterBench) -> None:
        """It is not asked a second time by the next daemon."""
        job = bench.begin(given_or_skip(bench.material.stubborn(), "stubborn"))
        bench.until_at_work()
        bench.cancel(job)
        bench.until("the tool is asked", lambda: bench.material.stops(bench.log(job)) != 0)
        for _ in range(2):
            bench.restart()
            bench.until_phase(job, "cancelling")
            bench.watch()
        bench.material.relent()
        expect_end(bench, job, "cancelled", "success")
        expect_stops(bench, job, 1)

    def test_killed_while_acquire_waits(self, bench: AdapterBench) -> None:
        """It waits again, and can be stopped."""
        job = bench.begin(given_or_skip(bench.material.blocked(), "blocked"))
        until_blocked(bench, job)
        bench.restart()
        bench.until_phase(job, "acquiring")
        bench.cancel(job)
        expect_end(bench, job, "cancelled", runs=NEVER)

    def test_killed_while_it_cleans_up(self, bench: AdapterBench) -> None:
        """The cleanup is entered again, and the work is not."""
        job = bench.begin(given_or_skip(bench.material.lasting_cleanup(), "lasting_cleanup"))
        bench.until_phase(job, "cleaning_up")
        for _ in range(2):
            bench.restart()
            bench.until_phase(job, "cleaning_up")
            bench.watch()
        bench.material.relent()
        expect_end(bench, job, "success")
