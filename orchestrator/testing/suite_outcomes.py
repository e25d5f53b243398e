"""The part of the adapter suite about steps that nobody disturbs."""

import hashlib
from pathlib import Path

from orchestrator.testing.suite_bench import AdapterBench
from orchestrator.testing.suite_expectations import AT_MOST_ONCE, expect, expect_end
from orchestrator.testing.suite_settings import given_or_skip


class OutcomeTests:
    """Success, failure, what cleanup says and says again, what check leaves alone."""

    def test_success(self, bench: AdapterBench) -> None:
        """It succeeds, with its outputs and its log, and leaves nothing."""
        job = bench.begin(bench.material.succeeding())
        expect_end(bench, job, "success")
        expect_whole(bench, job)

    def test_failure(self, bench: AdapterBench) -> None:
        """It fails, and leaves nothing."""
        job = bench.begin(bench.material.failing())
        expect_end(bench, job, "failure", runs=AT_MOST_ONCE)

    def test_one_after_another(self, bench: AdapterBench) -> None:
        """What one step leaves behind does not keep the next from its work."""
        first = bench.begin(bench.material.succeeding())
        expect_end(bench, first, "success")
        second = bench.submit(key="another")
        expect_end(bench, second, "success", runs=(2,))

    def test_cleanup_says_the_same_again(self, bench: AdapterBench) -> None:
        """After a success, run again and again, it finds nothing and does no harm."""
        job = bench.begin(bench.material.succeeding())
        expect_end(bench, job, "success")
        expect_clean_again(bench, job)

    def test_cleanup_says_the_same_again_after_a_failure(self, bench: AdapterBench) -> None:
        """The same of a step that failed."""
        job = bench.begin(bench.material.failing())
        expect_end(bench, job, "failure", runs=AT_MOST_ONCE)
        expect_clean_again(bench, job)

    def test_dirty(self, bench: AdapterBench) -> None:
        """What is left closes the environment, is found again, and is not once it was tidied."""
        job = bench.begin(given_or_skip(bench.material.dirty(), "dirty"))
        ended = bench.finished(job)
        expect(ended["dirty"], "its cleanup says that nothing is left", bench, job)
        quarantine = bench.environment()["quarantine"]
        assert quarantine is not None and quarantine["found"], quarantine
        bench.recheck()
        assert bench.environment()["quarantine"] is not None, "a recheck found nothing any more"
        bench.material.tidy()
        bench.recheck()
        assert bench.environment()["quarantine"] is None, bench.environment()

    def test_check_only_looks(self, bench: AdapterBench) -> None:
        """Nothing runs, nothing changes, and it finds the same again."""
        bench.configure(bench.material.succeeding())
        bench.start()
        bench.post("/v1/daemon/drain")
        job = bench.submit()
        before = contents(bench.material.root)
        found = bench.check(job).problems
        assert contents(bench.material.root) == before, "check changed files"
        assert bench.material.runs() == 0, "check did the work"
        assert found[0] == found[1], found


def expect_whole(bench: AdapterBench, job: int) -> None:
    """Outputs and log are those that the material promises, each line once."""
    step, log = bench.step(job), bench.log(job)
    outputs = {name: step["outputs"].get(name) for name in bench.material.outputs}
    expect(outputs == bench.material.outputs, f"its outputs are {step['outputs']}", bench, job)
    lines = [line.strip() for line in log.splitlines()]
    for line in bench.material.lines:
        count = lines.count(line)
        expect(count == 1, f"its log has {line!r} {count} times", bench, job)


def expect_clean_again(bench: AdapterBench, job: int) -> None:
    """The cleanup, run twice more, finds nothing. Ends the daemon."""
    verdicts = bench.verify(job).cleanups
    assert all(verdict.clean for verdict in verdicts), f"run again, cleanup says {verdicts}"
    assert not bench.material.left(), bench.material.left()


def contents(root: Path) -> dict[str, str]:
    """Every file below a directory, by a digest of its content."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }
