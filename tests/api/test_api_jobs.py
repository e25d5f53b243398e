"""Submitting, listing and showing jobs over the socket."""

from api_bench import ApiBench


async def test_submit_answers_201_with_the_job(bench: ApiBench) -> None:
    async with bench.client() as client:
        answer = await client.post(
            "/v1/jobs",
            json={"pipeline": "web", "environment": "prod", "params": {"version": "v1.2.3"}},
        )
    job = answer.json()
    assert answer.status_code == 201, answer.text
    assert (job["id"], job["pipeline"], job["environment"]) == (1, "web", "prod")
    assert job["params"] == {"version": "v1.2.3"}
    assert [step["name"] for step in job["steps"]] == ["apply", "smoke"]


async def test_healthz(bench: ApiBench) -> None:
    async with bench.client() as client:
        assert (await client.get("/healthz")).text == "ok\n"
