"""The part of the adapter suite about stops: in each phase, at each moment, and by force."""

from orchestrator.testing.suite_bench import AdapterBench
from orchestrator.testing.suite_expectations import (
    AT_MOST_ONCE,
    NEVER,
    expect,
    expect_end,
    expect_nothing_alive,
    expect_stops,
)
from orchestrator.testing.suite_fate import Fate
from orchestrator.testing.suite_outcomes import expect_clean_again
from orchestrator.testing.suite_settings import given_or_skip

MOST_COMMITS = 100
"""More than a step has; then nothing of it is left to be stopped."""


class StopTests:
    """A stop asks once, is never lost, and ends in a verified cleanup."""

    def test_stopped_in_the_queue(self, bench: AdapterBench) -> None:
        """Nothing of it runs."""
        bench.configure(bench.material.succeeding())
        bench.start()
        bench.post("/v1/daemon/drain")
        job = bench.submit()
        bench.cancel(job)
        expect_end(bench, job, "cancelled", runs=NEVER)

    def test_stopped_in_acquire(self, bench: AdapterBench) -> None:
        """Its acquire is cancelled; the work never begins."""
        job = bench.begin(given_or_skip(bench.material.blocked(), "blocked"))
        until_blocked(bench, job)
        bench.cancel(job)
        expect_end(bench, job, "cancelled", runs=NEVER)

    def test_stopped_at_work(self, bench: AdapterBench) -> None:
        """The tool is asked once, however often people ask, and ends; then nothing is left."""
        job = bench.begin(bench.material.working())
        bench.until_at_work()
        bench.cancel(job)
        bench.cancel(job)
        expect_end(bench, job, "cancelled")
        expect_stops(bench, job, 1)
        expect_clean_again(bench, job)

    def test_stopped_by_a_timeout(self, bench: AdapterBench) -> None:
        """The same stop, asked for by a limit."""
        job = bench.begin(bench.material.working(), timeout="2s")
        expect_end(bench, job, "timed_out", runs=AT_MOST_ONCE)
        expect_stops(bench, job, bench.material.runs())  # none where its acquire took so long

    def test_stopped_in_cleanup(self, bench: AdapterBench) -> None:
        """A cleanup is not interrupted by a graceful stop."""
        job = bench.begin(given_or_skip(bench.material.lasting_cleanup(), "lasting_cleanup"))
        bench.until_phase(job, "cleaning_up")
        bench.cancel(job)
        bench.material.relent()
        ended = expect_end(bench, job, "success", "cancelled")
        assert ended["steps"][0]["conclusion"] == "success", ended["steps"]

    def test_stopped_at_every_moment(self, bench: AdapterBench) -> None:
        """The stop comes right at each of the commits that a step's life has.

        So it comes before the tool is started, between two of its processes, and when all is done.
        """
        bench.configure(bench.material.succeeding())
        bench.start(Fate(cancel_later=True))
        for commit in range(1, MOST_COMMITS):
            before = bench.material.runs()
            job = bench.submit(key=f"stopped at commit {commit}")
            ended = bench.finished(job)
            ran = bench.material.runs() - before
            expect(ran <= (commit > 1), f"the tool ran {ran} times after a stop", bench, job)
            possible = ("cancelled", "success") if ran else ("cancelled",)
            expect_end(bench, job, *possible, runs=(before + ran,))
            if ended["cancel"] is None:
                return  # its last commit has passed
        raise AssertionError(f"a step with more than {MOST_COMMITS} commits")

    def test_forced_at_work(self, bench: AdapterBench) -> None:
        """Every process of it is killed; then it is clean, or says that it is not."""
        job = bench.begin(given_or_skip(bench.material.stubborn(), "stubborn"))
        bench.until_at_work()
        bench.cancel(job)
        bench.until_phase(job, "cancelling", "cleaning_up", "finished")
        bench.cancel(job, force=True)
        ended = bench.finished(job)
        expect(ended["conclusion"] == "cancelled", f"it ended as {ended['conclusion']}", bench, job)
        expect_nothing_alive(bench, job)
        left = bench.material.left()
        expect(ended["dirty"] or not left, f"it says that it is clean, and left {left}", bench, job)

    def test_forced_in_cleanup(self, bench: AdapterBench) -> None:
        """Nobody has verified what is left: the environment is closed until a recheck has."""
        job = bench.begin(given_or_skip(bench.material.lasting_cleanup(), "lasting_cleanup"))
        bench.until_phase(job, "cleaning_up")
        bench.cancel(job)
        bench.cancel(job, force=True)
        ended = bench.finished(job)
        expect(ended["dirty"], "it says that it is clean", bench, job)
        bench.material.relent()
        bench.recheck()
        expect_nothing_alive(bench, job)
        assert bench.environment()["quarantine"] is None, bench.environment()


def until_blocked(bench: AdapterBench, job: int) -> None:
    """Return when the step says what it waits for."""
    bench.until(
        "the step waits in its acquire",
        lambda: bench.job(job)["steps"] and bench.step(job)["waiting_for"],
    )
