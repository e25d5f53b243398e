"""Cancel, force and retry over the socket."""

from tests import myself
from tests.api.api_bench import ApiBench


async def test_what_cancel_shows(bench: ApiBench) -> None:
    """Cancel shows who asked, why, and when force is available."""
    await bench.submit(pipeline="deaf")
    await bench.gate.at_work(1)
    job = await bench.post("/v1/jobs/1/cancel", {"reason": "wrong version"})
    assert job["phase"] == "cancelling"
    cancel = job["cancel"]
    assert cancel["by"] == myself.CALLER
    assert (cancel["reason"], cancel["force"]) == ("wrong version", False)
    assert cancel["force_available_at"] > cancel["at"]
    forced = await bench.post("/v1/jobs/1/force-cancel")
    assert forced["cancel"]["force"] is True
    assert forced["cancel"]["at"] == cancel["at"]


async def test_a_cancelled_job_says_so(bench: ApiBench) -> None:
    """A cancelled job says so when it has ended."""
    await bench.submit()
    await bench.gate.at_work(1)
    await bench.post("/v1/jobs/1/cancel")
    job = await bench.finished(1)
    assert (job["conclusion"], job["cancel"]["force_available_at"]) == ("cancelled", None)


async def test_steps_that_were_never_reached(
    bench: ApiBench,
) -> None:
    """A job that ended in the queue shows steps that were never reached."""
    await bench.submit()
    await bench.submit()
    job = await bench.post("/v1/jobs/2/cancel", {})
    assert (job["phase"], job["conclusion"]) == ("finished", "cancelled")
    assert [step["conclusion"] for step in job["steps"]] == ["not_run"]


async def test_cancelling_what_has_ended_is_409(bench: ApiBench) -> None:
    """Cancelling what has ended is 409 with its phase."""
    bench.gate.open(1)
    await bench.submit()
    await bench.finished(1)
    problem = await bench.post("/v1/jobs/1/cancel", {}, status=409)
    assert (problem["type"], problem["phase"]) == ("job-finished", "finished")


async def test_cancelling_what_never_was_is_404(bench: ApiBench) -> None:
    problem = await bench.post("/v1/jobs/77/cancel", {}, status=404)
    assert problem["type"] == "unknown-job"


async def test_a_plugin_may_deny(bench: ApiBench) -> None:
    await bench.submit()
    bench.home.denied.add("cancel")
    problem = await bench.post("/v1/jobs/1/cancel", {}, status=403)
    assert problem["type"] == "denied-by-plugin"


async def test_retry_queues_the_like_of_a_finished_job(bench: ApiBench) -> None:
    bench.gate.open(1)
    await bench.submit(pipeline="failing")
    assert (await bench.post("/v1/jobs/2/retry", {}, status=404))["type"] == "unknown-job"
    assert (await bench.finished(1))["conclusion"] == "failure"
    job = await bench.post("/v1/jobs/1/retry", {"reason": "again"}, status=201)
    assert (job["id"], job["retry_of"], job["reason"]) == (2, 1, "again")
    problem = await bench.post("/v1/jobs/2/retry", {}, status=409)
    assert (problem["type"], problem["phase"]) == ("job-not-finished", "running")
