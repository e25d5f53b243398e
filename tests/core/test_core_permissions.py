"""Roles on up to three levels, and who may stop what in which phase."""

import itertools

import msgspec
import pytest

from orchestrator.core.language import commands as cmd
from orchestrator.core.language.commands import Caller
from orchestrator.core.language.definition import (
    Configuration,
    EnvironmentDefinition,
    PipelineDefinition,
    Roles,
    StopRules,
)
from orchestrator.core.language.rejections import NotPermitted, StopForbidden
from orchestrator.core.language.words import Role, StopPolicy
from orchestrator.core.rules.permissions import demand, may, strictest
from tests.core.core_commands import REQUESTS
from tests.core.core_setup import (
    ADA,
    API,
    BOB,
    EVE,
    ROOT,
    acquired,
    applied,
    cleaned,
    config,
    pipeline,
    ref,
    step,
    submit,
)
from tests.core.core_story import Story, given

VIEWER, SUBMITTER, APPROVER, ADMIN = Role
SUBMITTERS, OWNER, ADMINS, NOBODY = StopPolicy

PEOPLE = Roles(viewer=("vera",), submitter=("sam",), approver=("abe",), admin=("@ops",))
OPS = Caller(uid=1, user="olga", groups=frozenset({"ops"}))


def named(user: str) -> Caller:
    return Caller(uid=2, user=user)


def with_roles(roles: Roles | None) -> Configuration:
    return config(API, roles=roles)


def environment(roles: Roles | None) -> EnvironmentDefinition:
    return EnvironmentDefinition(name="production", roles=roles, origin="environments/p.toml")


def a_pipeline(roles: Roles | None) -> PipelineDefinition:
    return msgspec.structs.replace(API, roles=roles)


@pytest.mark.parametrize(
    ("caller", "holds"),
    [
        (named("vera"), (VIEWER,)),
        (named("sam"), (VIEWER, SUBMITTER)),
        (named("abe"), (VIEWER, SUBMITTER, APPROVER)),
        (OPS, (VIEWER, SUBMITTER, APPROVER, ADMIN)),
        (named("eve"), ()),
        (named("@ops"), ()),  # a user who is called like a group is not the group
        (Caller(uid=3, user="x", groups=frozenset({"vera"})), ()),
        (Caller(uid=0, user="root", is_owner=True), ()),  # roles are written: they alone count
    ],
)
def test_each_role_includes_the_ones_before_it(caller: Caller, holds: tuple[Role, ...]) -> None:
    assert tuple(role for role in Role if may(caller, role, with_roles(PEOPLE))) == holds


def test_a_star_is_everybody() -> None:
    assert may(EVE, VIEWER, with_roles(Roles(viewer=("*",))))
    assert not may(EVE, SUBMITTER, with_roles(Roles(viewer=("*",))))


@pytest.mark.parametrize("role", Role)
def test_without_roles(role: Role) -> None:
    """Without roles only root and the daemon's user get in."""
    assert may(ROOT, role, with_roles(None))
    assert not may(ADA, role, with_roles(None))
    with pytest.raises(NotPermitted, match="only root and the daemon's own user"):
        demand(ADA, role, "looking", with_roles(None))


ALLOWS, DENIES, SILENT = Roles(submitter=("sam",)), Roles(submitter=("tim",)), None


@pytest.mark.parametrize(
    ("daemon", "inner", "outer", "allowed"),
    [
        (daemon, inner, outer, all(level is not DENIES for level in (daemon, inner, outer)))
        for daemon, inner, outer in itertools.product(
            (ALLOWS, DENIES), (ALLOWS, DENIES, SILENT), (ALLOWS, DENIES, SILENT)
        )
    ],
)
def test_every_level_that_names_the_role_must_allow(
    daemon: Roles, inner: Roles | None, outer: Roles | None, allowed: bool
) -> None:
    levels = environment(inner), a_pipeline(outer)
    assert may(named("sam"), SUBMITTER, with_roles(daemon), *levels) is allowed


def test_a_level_that_names_nobody() -> None:
    """A level that names nobody for a role leaves it to the others."""
    only_admins = environment(Roles(admin=("root",)))
    assert may(named("sam"), SUBMITTER, with_roles(PEOPLE), only_admins)
    assert not may(OPS, ADMIN, with_roles(PEOPLE), only_admins)


def test_an_inner_level_widens_nothing() -> None:
    assert not may(EVE, SUBMITTER, with_roles(PEOPLE), environment(Roles(submitter=("eve",))))


@pytest.mark.parametrize(
    ("levels", "where"),
    [
        ((), "orchestrator.toml"),
        ((environment(DENIES),), "environments/p.toml"),
        ((environment(None), a_pipeline(DENIES)), "pipelines/api.toml"),
    ],
)
def test_what_a_denial_names(
    levels: tuple[EnvironmentDefinition, PipelineDefinition], where: str
) -> None:
    """A denial names the role, the file and who has it."""
    configuration = with_roles(ALLOWS if levels else DENIES)
    with pytest.raises(NotPermitted) as caught:
        demand(named("sam"), SUBMITTER, "submitting api", configuration, *levels)
    assert str(caught.value) == (
        f"submitting api needs the role submitter, which sam does not have in {where}; "
        "these have it: tim"
    )
    assert (caught.value.role, caught.value.holders) == (SUBMITTER, ("tim",))


def test_a_denial_when_nobody_has_the_role() -> None:
    with pytest.raises(NotPermitted, match="these have it: nobody"):
        demand(EVE, ADMIN, "waiving", with_roles(Roles(viewer=("*",))))


# --- which request needs which role ---------------------------------------------------------

BY_ROLE = {name: asked for name, asked in REQUESTS.items() if asked.needs is not None}


@pytest.mark.parametrize("name", BY_ROLE)
@pytest.mark.parametrize("held", Role)
def test_a_request_needs_its_role(name: str, held: Role) -> None:
    request, role = BY_ROLE[name]
    assert role is not None
    people = Roles(
        **{held.value: ("eve",)} | {"submitter": ("ada", "eve")[: 2 if held is SUBMITTER else 1]}
    )
    story = given(config(roles=people), submit("api")).when(request)
    if held.includes(role):
        assert not isinstance(story.rejection, NotPermitted)
    else:
        assert role.value in str(story.refused(NotPermitted))


@pytest.mark.parametrize("name", REQUESTS)
def test_what_a_plugin_may_deny(name: str) -> None:
    """It is told the verb, and what that acts on."""
    action, target = REQUESTS[name].command.action_and_target
    assert (action, bool(target)) == (name, True)


# --- stop policies --------------------------------------------------------------------------

PHASES: dict[str, tuple[cmd.Command, ...]] = {
    "queued": (),
    "acquiring": (),
    "applying": (acquired(1),),
    "cleaning_up": (acquired(1), applied(1)),
}
MAY: dict[StopPolicy, set[str]] = {
    SUBMITTERS: {"ada", "bob", "root"},
    OWNER: {"ada", "root"},
    ADMINS: {"root"},
    NOBODY: set(),
}


@pytest.mark.parametrize("caller", [ADA, BOB, EVE, ROOT], ids=lambda caller: caller.user)
@pytest.mark.parametrize("policy", StopPolicy)
@pytest.mark.parametrize("phase", PHASES)
def test_who_may_cancel_in_which_phase(phase: str, policy: StopPolicy, caller: Caller) -> None:
    """In every other phase the policy is one that allows everything, and does not count."""
    story = given(config(pipeline("api", stop=StopRules(**{phase: policy}))), submit("api"))
    story.given(*PHASES[phase])
    job = 1
    if phase == "queued":
        story.given(submit("api"))
        job = 2
    story.when(cmd.Cancel(caller=caller, job=job))
    allowed = caller.user in MAY[policy]
    assert (story.rejection is None) is allowed
    if not allowed:
        story.refused(StopForbidden if policy is NOBODY else NotPermitted)


def story_of_two(**rules: StopPolicy) -> Story:
    """Step `a` applies while step `b` acquires."""
    two = pipeline("api", steps=(step("a"), step("b")), stop=StopRules(**rules))
    return given(config(two), submit("api"), acquired(1, "a"))


@pytest.mark.parametrize(
    ("rules", "counts"),
    [
        ({}, SUBMITTERS),
        ({"applying": ADMINS}, ADMINS),
        ({"acquiring": ADMINS}, ADMINS),
        ({"applying": OWNER, "acquiring": ADMINS}, ADMINS),
        ({"applying": NOBODY, "acquiring": ADMINS}, NOBODY),
        ({"cleaning_up": NOBODY, "queued": NOBODY}, SUBMITTERS),
    ],
)
def test_of_steps_in_parallel_the_strictest_counts(
    rules: dict[str, StopPolicy], counts: StopPolicy
) -> None:
    story = story_of_two(**rules)
    assert strictest(StopRules(**rules), story.job(1)) is counts


def test_between_two_steps_the_policy_of_apply_counts() -> None:
    two = pipeline(
        "api", steps=(step("a"), step("b", needs=("a",))), stop=StopRules(applying=ADMINS)
    )
    configuration = config(two, pipeline("other"), environments=("production", "b"), capacity=1)
    story = given(configuration, submit("other", "b"), cmd.NoteWaiting(ref=ref(1), text="a poll"))
    story.given(submit("api"), acquired(2, "a"), applied(2, "a"))
    story.given(cmd.NoteWaiting(ref=ref(1), text=None), cleaned(2, "a"))
    assert not any(one.active for one in story.job(2).steps)
    story.when(cmd.Cancel(caller=ADA, job=2)).refused(NotPermitted)


def test_whose_roles_count_for_a_stop() -> None:
    """The roles of the job's own environment and pipeline count for its stop."""
    api = pipeline("api", roles=Roles(submitter=("ada",)))
    story = given(config(api), submit("api"))
    story.when(cmd.Cancel(caller=BOB, job=1)).refused(NotPermitted, "pipelines/api.toml")
