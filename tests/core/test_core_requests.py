"""Submissions, retries, reloads, drains: what they answer, and what they refuse."""

import msgspec
import pytest

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import CleanupReference, Parameter
from orchestrator.core.language.rejections import (
    InvalidParameters,
    KeyReused,
    NotDraining,
    NotInEnvironment,
    UnknownEnvironment,
    UnknownPipeline,
)
from tests.core.core_setup import (
    ADA,
    API,
    BOB,
    ROOT,
    WEB,
    WEB_CLEANUP,
    accept,
    acquired,
    applied,
    at,
    chain,
    cleaned,
    config,
    pipeline,
    submit,
    whole,
)
from tests.core.core_story import Story, given, like

# --- submit ---------------------------------------------------------------------------------


def test_a_job_keeps_what_was_said_of_it() -> None:
    request = submit(
        "web",
        params={"version": "v2"},
        reason="release",
        priority=2,
        labels={"ci": "9"},
        url="https://ci/9",
        key="k",
        request="digest",
    )
    [submitted] = [
        one for one in given().when(request).happened if isinstance(one, ev.JobSubmitted)
    ]
    assert (submitted.params, submitted.reason, submitted.labels) == (
        {"version": "v2"},
        "release",
        {"ci": "9"},
    )
    assert (submitted.url, submitted.key, submitted.request, submitted.priority) == (
        "https://ci/9",
        "k",
        "digest",
        2,
    )
    assert submitted.rank == at().utc - 2 * 3_600_000


def test_a_default_stands_for_a_parameter() -> None:
    """A default stands for a parameter that was not given."""
    assert given(submit("web")).job(1).params == {"version": "v1"}


def test_an_unknown_pipeline_names_near_ones() -> None:
    given().when(submit("wbe")).refused(UnknownPipeline, "no pipeline 'wbe'", "did you mean web")


def test_an_unknown_environment_names_near_ones() -> None:
    given().when(submit("web", "prodution")).refused(UnknownEnvironment, "did you mean production")


def test_a_pipeline_runs_where_it_is_meant_to() -> None:
    story = given(config(pipeline("api", environments=("staging",))))
    story.when(submit("api")).refused(NotInEnvironment, "only in staging")
    story.when(submit("api", "staging")).then_among(like(ev.JobAdmitted))


@pytest.mark.parametrize(
    ("params", "text"), [({"verson": "v1"}, "version"), ({"version": "1"}, "does not match")]
)
def test_parameters_must_fit(params: dict[str, str], text: str) -> None:
    version = Parameter(name="version", pattern=r"v\d+", default="v1")
    story = given(config(pipeline("web", params=(version,))))
    story.when(submit("web", params=params)).refused(InvalidParameters, text, "pipelines/web.toml")


def test_all_wrong_parameters_are_told() -> None:
    token, zone = Parameter(name="token", secret=True), Parameter(name="zone", required=True)
    story = given(config(pipeline("web", params=(token, zone))))
    story.when(submit("web", params={"token": "opensesame", "zoen": "eu"}))
    story.refused(InvalidParameters, "several parameters are wrong")
    assert isinstance(story.rejection, InvalidParameters)
    said = ("token is a secret and was given openly", "no parameter zoen", "zone is required")
    assert len(story.rejection.problems) == len(said)
    for text, problem in zip(said, story.rejection.problems, strict=True):
        assert text in problem and "opensesame" not in problem


def test_parameters_of_the_cleanup_must_fit_too() -> None:
    """What would be owed is checked before anything is done."""
    strict = pipeline("clean", "cleanup", params=(Parameter(name="version", pattern=r"v\d+"),))
    reference = CleanupReference("clean", {"version": "${params.version}"})
    web = pipeline("web", params=(Parameter(name="version"),), cleanup=reference)
    story = given(config(web, strict))
    story.when(submit("web", params={"version": "x"})).refused(InvalidParameters, "clean")


# --- keys -----------------------------------------------------------------------------------


def test_a_repeated_key_makes_no_job() -> None:
    """A repeat of a key makes no second job."""
    story = given(submit("api", key="k", request="d"))
    story.when(submit("api", key="k", request="d")).then_nothing()
    assert story.world.keys == {(ADA.uid, "k"): 1}


def test_another_request_with_the_same_key_is_refused() -> None:
    story = given(submit("api", key="k", request="d"))
    story.when(submit("web", key="k", request="e")).refused(KeyReused, "job 1", "use a new key")


def test_keys_are_each_users_own() -> None:
    story = given(submit("api", key="k"))
    story.when(submit("api", caller=BOB, key="k")).then(like(ev.JobSubmitted, job=2))


def test_keys_of_ended_jobs() -> None:
    """A key of an ended job is for the store to know."""
    story = given(submit("api", key="k"), *whole(1))
    assert story.world.keys == {}


# --- definitions ----------------------------------------------------------------------------


def recorded(story: Story) -> int:
    return sum(isinstance(line.event, ev.DefinitionRecorded) for line in story.journal)


def test_a_definition_is_journalled_once() -> None:
    story = given(submit("web"), submit("web"), submit("web", "staging"))
    assert recorded(story) == 2, "one for each environment"
    story.given(acquired(1), applied(1), cleaned(1), *whole(4))
    assert recorded(story) == 3, "and one for the owed cleanup"
    story.restart().given(submit("web"))
    assert recorded(story) == 3


def test_a_job_keeps_its_definition() -> None:
    """A job keeps the definition that it was submitted with."""
    story = given(submit("api"), submit("api"))
    story.given(accept(config(pipeline("api", steps=chain("a", "b")))), submit("api"), *whole(1))
    assert [step.name for step in story.job(2).steps] == ["apply"]
    story.given(*whole(2))
    assert [one.name for one in story.job(3).steps] == ["a", "b"]


# --- retry ----------------------------------------------------------------------------------


def retry(story: Story, job: int, **more: object) -> cmd.Retry:
    one = story.job(job)
    request = cmd.Retry(
        caller=ADA,
        job=job,
        pipeline=one.pipeline,
        environment=one.environment,
        params=one.params,
        definition=story.world.definition(one),
    )
    return msgspec.structs.replace(request, **more)


def ended(*more: cmd.Command) -> Story:
    return given(submit("api"), *whole(1), *more)


def test_a_retry_is_a_new_job() -> None:
    """A retry is a new job with the same definition and parameters."""
    story = ended(accept(config(pipeline("api", steps=chain("a", "b")))))
    story.when(retry(story, 1)).then_among(
        like(ev.JobSubmitted, job=2, retry_of=1, admin_retry=False), like(ev.JobAdmitted)
    )
    assert [step.name for step in story.job(2).steps] == ["apply"]


def test_a_retry_of_the_latest_takes_todays_definition() -> None:
    story = ended(accept(config(pipeline("api", steps=chain("a", "b")))))
    story.given(retry(story, 1, latest=True))
    assert [step.name for step in story.job(2).steps] == ["a", "b"]


def test_a_retry_of_the_latest_needs_the_pipeline() -> None:
    story = ended(accept(config(WEB, WEB_CLEANUP)))
    story.when(retry(story, 1, latest=True)).refused(UnknownPipeline)
    story.when(retry(story, 1)).then_among(like(ev.JobSubmitted, job=2))


def test_a_retrys_key_makes_no_job() -> None:
    """A repeat of a retry's key makes no second job."""
    story = ended()
    story.given(retry(story, 1, key="k", request="d"))
    story.when(retry(story, 1, key="k", request="d")).then_nothing()
    story.when(retry(story, 1, key="k", request="e")).refused(KeyReused)


# --- drain, reload, start -------------------------------------------------------------------

DRAIN, RESUME = cmd.StartDrain(caller=ROOT, reason="upgrade"), cmd.EndDrain(caller=ROOT)


def test_a_drain_starts_nothing_until_it_is_ended() -> None:
    story = given(DRAIN, submit("api"), submit("api", "staging"))
    assert (story.waiting(), story.waiting("staging")) == ([1], [2])
    story.when(RESUME).then(
        ev.DrainEnded(),
        like(ev.JobAdmitted, job=1),
        like(ev.StepStarted),
        like(ev.JobAdmitted, job=2),
        like(ev.StepStarted),
    )


def test_a_drain_lets_running_jobs_go_on() -> None:
    long = config(pipeline("api", steps=chain("a", "b")))
    story = given(long, submit("api"), DRAIN, *whole(1, "a"))
    assert story.job(1).step("b").active


def test_a_drain_survives_a_restart() -> None:
    assert given(DRAIN, submit("api")).restart().waiting() == [1]


def test_a_drain_twice_is_one() -> None:
    given(DRAIN).when(DRAIN).then_nothing()


def test_a_resume_needs_a_drain() -> None:
    given().when(RESUME).refused(NotDraining)


def test_a_reload_of_the_same_changes_nothing() -> None:
    given(config()).when(accept(config(), ROOT)).then_nothing()


def test_a_configuration_at_start_asks_nobody() -> None:
    given(config()).when(accept(config(API))).then(like(ev.ConfigAccepted))


def test_exclusion_then_and_now() -> None:
    """A reload can neither take from a running job what it excludes, nor let it in beside what
    is excluded now."""
    free = {"deploy": (), "audit": ()}
    strict = {"deploy": ("audit",), "audit": ()}
    audit = pipeline("audit", "audit")
    began_strict = given(config(API, audit, kinds=strict), submit("api"))
    began_strict.given(accept(config(API, audit, kinds=free)), submit("audit"))
    assert began_strict.waiting() == [2]
    began_free = given(config(API, audit, kinds=free), submit("api"))
    began_free.given(accept(config(API, audit, kinds=strict)), submit("audit"))
    assert began_free.waiting() == [2]
    began_free.given(*whole(1))
    assert began_free.running() == [2]


def test_a_reload_that_relaxes_lets_the_waiting_go() -> None:
    audit = pipeline("audit", "audit")
    kinds = {"deploy": ("deploy",), "audit": ()}
    strict = {"deploy": ("deploy", "audit"), "audit": ("audit",)}
    story = given(config(audit, kinds=strict), submit("audit"), submit("audit"))
    assert story.waiting() == [2], "audit excludes itself"
    story.given(accept(config(audit, kinds=kinds)))
    assert story.waiting() == [2], "and did when job 1 began"
    story.given(*whole(1))
    assert story.running() == [2]


def test_a_daemons_start_is_journalled() -> None:
    opened = cmd.OpenDaemon(version="1.2", pid=7, seed="5eed")
    given().when(opened).then(ev.DaemonStarted(version="1.2", pid=7, seed="5eed"))
