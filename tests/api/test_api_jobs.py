"""Submitting, listing, showing and explaining jobs over the socket."""

import re
from pathlib import Path

from msgspec.structs import replace

from orchestrator.core.language import commands as cmd
from orchestrator.core.language.definition import (
    ApprovalRule,
    EnvironmentDefinition,
    Parameter,
    Roles,
)
from orchestrator.core.language.model import StepRef
from orchestrator.core.language.words import Role
from tests import myself
from tests.api.api_bench import ApiBench, configuration, open_bench

WEB = {"pipeline": "web", "environment": "prod", "params": {"version": "v1.2.3"}}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
JOB_FIELDS = (
    "id pipeline environment kind params priority labels url phase conclusion warnings halted_by "
    "dirty retry_of cleanup_for pays submitter reason key source locks approvals awaits "
    "waited_long submitted_at started_at finished_at cancel blockers steps"
)
STEP_FIELDS = (
    "name section stage uses phase conclusion exit signal pid reason cause attempt attempts "
    "next_attempt_at outputs progress waiting_for waiting_since warnings last_output_at started_at "
    "finished_at"
)


async def test_submit_answers_201_with_the_whole_job(bench: ApiBench) -> None:
    job = await bench.submit(**WEB, reason="release", labels={"ci": "7"}, url="http://ci/7")
    assert " ".join(job) == JOB_FIELDS
    assert " ".join(job["steps"][0]) == STEP_FIELDS
    assert (job["id"], job["phase"], job["conclusion"]) == (1, "running", None)
    assert (job["reason"], job["labels"], job["url"]) == ("release", {"ci": "7"}, "http://ci/7")
    assert job["submitter"] == myself.CALLER
    assert TIME.fullmatch(job["submitted_at"])
    assert [step["name"] for step in job["steps"]] == ["apply", "smoke"]


async def test_a_secret_in_what_people_write(tmp_path: Path) -> None:
    """The value of a secret parameter, written beside it, is kept in files of its own alone."""
    token = "seven-secret-words"
    known = configuration(tmp_path)
    plain = known.pipelines["team/plain"]
    secret = replace(plain, params=(Parameter(name="token", secret=True),))
    changed = replace(known, pipelines={**known.pipelines, "team/plain": secret})
    async with open_bench(tmp_path, changed) as bench:
        job = await bench.submit(
            pipeline="team/plain",
            environment="prod",
            params={"token": token},
            from_file=["token"],
            reason=f"with {token}",
            labels={"ci": token, "who": "ada"},
            url=f"http://ci/7?token={token}",
        )
    assert (job["reason"], job["url"]) == ("with ***", "http://ci/7?token=***")
    assert job["labels"] == {"ci": "***", "who": "ada"}
    assert holders(tmp_path, token) == {"secrets"}


def holders(root: Path, text: str) -> set[str]:
    """What in a directory has files in which it stands."""
    files = [path for path in root.rglob("*") if path.is_file()]
    held = [path for path in files if text.encode() in path.read_bytes()]
    return {path.relative_to(root).parts[0] for path in held}


async def test_a_queued_job_shows_its_steps_and_blockers(bench: ApiBench) -> None:
    await bench.submit(**WEB)
    waiting = await bench.submit()
    assert waiting["phase"] == "queued"
    assert [step["phase"] for step in waiting["steps"]] == ["pending"]
    assert [(blocker["type"], blocker["id"]) for blocker in waiting["blockers"]] == [
        ("cleanup_debt", 1),
        ("job", 1),
    ]


async def test_the_same_key_is_the_same_job(
    bench: ApiBench,
) -> None:
    """The same key answers 200 with the same job, even when it has ended."""
    body = {"pipeline": "team/plain", "environment": "prod"}
    headers = {"Idempotency-Key": "once"}
    async with bench.client() as client:
        first = await client.post("/v1/jobs", json=body, headers=headers)
        again = await client.post("/v1/jobs", json=body, headers=headers)
        bench.gate.open(1)
        await bench.finished(1)
        late = await client.post("/v1/jobs", json=body, headers=headers)
        other = await client.post("/v1/jobs", json=body | {"priority": 3}, headers=headers)
    assert [answer.status_code for answer in (first, again, late, other)] == [201, 200, 200, 409]
    assert first.json()["id"] == again.json()["id"] == late.json()["id"] == 1
    assert (other.json()["type"], other.json()["job"]) == ("key-reused", 1)


async def test_a_dry_run_queues_nothing(bench: ApiBench) -> None:
    """A dry run resolves what is known and queues nothing."""
    async with bench.client() as client:
        answer = await client.post("/v1/jobs", json=WEB | {"dry_run": True})
    plan = answer.json()
    assert answer.status_code == 200
    assert plan["steps"][0]["with"] == {"text": "deploys v1.2.3"}
    assert plan["steps"][1]["with"] == {"text": "${steps.apply.outputs.url}"}
    assert plan["cleanup"] == {"pipeline": "web-cleanup", "params": {"version": "v1.2.3"}}
    assert plan["blockers"] == []
    assert (await bench.get("/v1/jobs"))["jobs"] == []


async def test_a_list_is_paged_and_filtered(bench: ApiBench) -> None:
    for number in range(3):
        await bench.submit(
            environment=("prod", "team/stage")[number % 2], labels={"n": str(number)}
        )
    page = await bench.get("/v1/jobs?limit=2")
    assert [job["id"] for job in page["jobs"]] == [3, 2]
    assert "steps" not in page["jobs"][0]
    rest = await bench.get(f"/v1/jobs?limit=2&before={page['next']}")
    assert [job["id"] for job in rest["jobs"]] == [1]
    assert rest["next"] is None
    for query, ids in {
        "environment=team/stage": [2],
        "phase=queued": [3],
        "phase=preparing": [],
        "label=n=0": [1],
        "mine=true": [3, 2, 1],
        "conclusion=failure": [],
    }.items():
        assert [job["id"] for job in (await bench.get(f"/v1/jobs?{query}"))["jobs"]] == ids


async def test_explain_says_place_blockers_and_the_usual_duration(bench: ApiBench) -> None:
    bench.gate.open(1)
    await bench.submit()
    await bench.finished(1)
    await bench.submit()
    await bench.submit()
    found = await bench.get("/v1/jobs/3/explain")
    assert (found["job"], found["phase"], found["place"]) == (3, "queued", 1)
    assert TIME.fullmatch(found["since"])
    [blocker] = found["blockers"]
    assert (blocker["type"], blocker["id"], blocker["lift"]) == ("job", 2, None)
    assert "job 2 (team/plain) runs" in blocker["text"]
    assert "(1 run)" in blocker["text"]


async def test_explain_says_who_went_before(bench: ApiBench) -> None:
    """While its lock's holder asks people a job is passed over; then its locks are kept for it."""
    locks = {"prod": ("a",), "team/stage": ("a", "b"), "lab": ("b",), "closed": ("b",)}
    environments = {name: EnvironmentDefinition(name, locks=its) for name, its in locks.items()}
    config = configuration(bench.root, environments=environments, roles=Roles(admin=("*",)))
    await bench.configure(config)
    await bench.submit()
    await bench.gate.at_work(1)
    rule = ApprovalRule(roles=(Role.SUBMITTER,))
    await bench.engine.execute(cmd.Ask(StepRef(1, "apply"), "ok?", "go on?", rule))
    await bench.submit(environment="team/stage")
    for number, environment in ((3, "closed"), (4, "lab"), (5, "lab")):
        await bench.submit(environment=environment)
        await bench.gate.at_work(number)
        if number < 5:
            bench.gate.open(number)
            await bench.finished(number)
    closed = replace(environments["closed"], roles=Roles(viewer=("ada",), submitter=("ada",)))
    await bench.configure(replace(config, environments=environments | {"closed": closed}))
    passed = (await bench.get("/v1/jobs/2/explain"))["passed_over"]
    assert [(one["job"], one["environment"]) for one in passed] == [(5, "lab"), (4, "lab")]
    assert all(TIME.fullmatch(one["at"]) and one["pipeline"] == "team/plain" for one in passed)
    await bench.post("/v1/jobs/1/approve", {"step": "apply"})
    await bench.submit(environment="lab")
    [_, _, reserved] = (await bench.get("/v1/jobs/6/explain"))["blockers"]
    assert (reserved["type"], reserved["id"]) == ("reserved", "b")
    assert reserved["lift"] == "orchestrator explain 2"


async def test_what_running_steps_wait_for(bench: ApiBench) -> None:
    """Explain says what the steps of a running job wait for."""
    await bench.submit()
    step = await bench.gate.at_work(1)
    job = await bench.until(1, lambda seen: seen["steps"][0]["phase"] == "applying")
    found = await bench.get("/v1/jobs/1/explain")
    assert (found["phase"], found["since"]) == ("running", job["started_at"])
    [at_work] = found["steps"]
    assert at_work == {**(await bench.get("/v1/jobs/1"))["steps"][0], "lift": None}
    assert (at_work["waiting_for"], at_work["waiting_since"]) == (None, None)
    await step.waiting_for("the lock of ada")
    [waits] = (await bench.get("/v1/jobs/1/explain"))["steps"]
    assert waits["waiting_for"] == "the lock of ada"
    assert TIME.fullmatch(waits["waiting_since"])
    bench.gate.open(1)
    job = await bench.finished(1)
    found = await bench.get("/v1/jobs/1/explain")
    assert (found["phase"], found["since"], found["steps"]) == ("finished", job["finished_at"], [])


async def test_a_step_that_lacks_a_slot(tmp_path: Path) -> None:
    """A step that lacks nothing but a slot says so."""
    async with open_bench(tmp_path, configuration(tmp_path, capacity=1)) as bench:
        await bench.submit(**WEB)
        await (await bench.gate.at_work(1)).waiting_for("Gate")
        await bench.submit(environment="team/stage")
        await bench.gate.at_work(2)
        bench.gate.open(1)
        text = "step smoke could begin, but 1 tool is at work on this host; capacity is 1"
        job = await bench.until(1, lambda seen: seen["blockers"])
        found = await bench.get("/v1/jobs/1/explain")
        for blocker in (*job["blockers"], *found["blockers"]):
            assert (blocker["type"], blocker["id"], blocker["text"]) == ("capacity", "host", text)
        assert (job["phase"], found["steps"]) == ("running", [])


async def test_only_what_may_be_seen_is_listed(bench: ApiBench) -> None:
    """What a viewer may not see is not listed."""
    await bench.submit()
    await bench.submit(environment="team/stage")
    config = configuration(bench.root, roles=Roles(admin=("*",)))
    closed = Roles(viewer=("ada",), submitter=("ada",))
    environments = config.environments | {
        "prod": replace(config.environments["prod"], roles=closed)
    }
    await bench.configure(replace(config, environments=environments))
    assert [job["id"] for job in (await bench.get("/v1/jobs"))["jobs"]] == [2]
    async with bench.client() as client:
        hidden = await client.get("/v1/jobs/1")
    assert hidden.status_code == 403
    assert (hidden.json()["type"], hidden.json()["role"]) == ("not-permitted", "viewer")
    assert hidden.json()["holders"] == ["ada"]
