"""What is told of a pipeline: all that may differ from the default."""

import msgspec

from orchestrator.api.definition_views import pipeline_view
from orchestrator.core.language.definition import (
    ApprovalRule,
    EnvironmentDefinition,
    OutcomeRule,
    PipelineDefinition,
    RetryPolicy,
    StepDefinition,
)
from orchestrator.core.language.words import LongWaitPolicy, Outcome, Role, RunningPolicy

STEP = StepDefinition(
    name="test[a]",
    uses="command",
    matrix={"x": "a"},
    matrix_of="test",
    max_parallel=2,
    when='params.tier == "prod"',
    timeout=90.0,
    retry=RetryPolicy(3, 5.0, 2.0, 60.0, ("exit 75",)),
    outcomes=(OutcomeRule("exit 3", Outcome.CONTINUE, "dull", ("late",)),),
)
PIPELINE = PipelineDefinition(
    name="web",
    kind="deploy",
    steps=(STEP, StepDefinition(name="late", uses="command")),
    environments=("prod", "dev"),
    approval=ApprovalRule(expires=3600.0),
    timeout=7200.0,
    max_wait=60.0,
    on_max_wait=LongWaitPolicy.WARN,
    halt_running=RunningPolicy.STOP,
)
ENVIRONMENTS = {
    name: EnvironmentDefinition(
        name, approval=ApprovalRule((Role.ADMIN,), count=2, not_submitter=True)
    )
    for name in ("prod", "other")
} | {"dev": EnvironmentDefinition("dev")}


def test_a_pipeline_is_told_whole() -> None:
    """A pipeline is told with all that may differ."""
    told = msgspec.to_builtins(pipeline_view(PIPELINE, ENVIRONMENTS))
    step = told["steps"][0]
    assert (step["matrix"], step["matrix_of"], step["max_parallel"]) == ({"x": "a"}, "test", 2)
    assert (step["when"], step["timeout"]) == ('params.tier == "prod"', 90.0)
    assert step["retry"] == {
        "attempts": 3,
        "backoff": 5.0,
        "factor": 2.0,
        "max": 60.0,
        "on": ("exit 75",),
    }
    assert step["outcomes"] == (
        {"match": "exit 3", "then": "continue", "skip": ("late",), "reason": "dull"},
    )
    assert (told["timeout"], told["max_wait"], told["on_max_wait"]) == (7200.0, 60.0, "warn")
    assert (told["fail_running"], told["halt_running"]) == ("finish", "stop")


def test_who_must_approve_where_it_may_run() -> None:
    asked = {"roles": ("approver",), "count": 1, "not_submitter": False, "expires": 3600.0}
    more = {"roles": ("admin",), "count": 2, "not_submitter": True, "expires": None}
    told = msgspec.to_builtins(pipeline_view(PIPELINE, ENVIRONMENTS))
    assert told["approvals"] == (
        {"environment": None, **asked},
        {"environment": "prod", **more},
    )
