"""Which variables a tool gets."""

import pytest

from orchestrator.config.child_variables import refused
from orchestrator.engine.attempt.process_variables import (
    DEFAULT_PATH,
    VariableRefused,
    job_facts,
    process_variables,
)
from orchestrator.plugin import JobInfo

JOB = JobInfo(id=118, pipeline="team/web", environment="production", kind="deploy", submitter="ada")


@pytest.mark.parametrize(
    ("name", "allowed", "answer"),
    [
        ("PATH", (), False),
        ("AWS_PROFILE", (), False),
        ("TF_VAR_region", (), False),
        ("TF_CLI_ARGS", (), True),
        ("TF_CLI_ARGS_apply", (), True),
        ("TF_CLI_ARGS_apply", ("TF_CLI_ARGS_apply",), False),
        ("TF_CLI_ARGS_apply", ("TF_CLI_ARGS_plan",), True),
        ("TF_CLI_ARGS_apply", ("TF_CLI_ARGS*",), False),
        ("TF_CLI_CONFIG_FILE", (), True),
        ("TF_REATTACH_PROVIDERS", (), True),
        ("TF_WORKSPACE", (), True),
        ("TF_PLUGIN_CACHE_DIR", (), True),
        ("HELM_DRIVER", (), True),
        ("LD_PRELOAD", (), True),
        ("ld_preload", (), False),
        ("BASH_ENV", (), True),
        ("PYTHONPATH", (), True),
        ("GIT_SSH", (), True),
        ("GIT_SSH_COMMAND", (), True),
        ("GIT_CONFIG_COUNT", (), True),
        ("GIT_AUTHOR_NAME", (), False),
    ],
)
def test_refused(name: str, allowed: tuple[str, ...], answer: bool) -> None:
    assert refused(name, allowed) is answer


def test_only_the_allow_list_is_inherited() -> None:
    own = {"PATH": "/bin", "LC_TIME": "C", "SECRET": "x", "HOMER": "x", "INVOCATION_ID": "x"}
    assert process_variables(own, (), (), (), {}) == {"PATH": "/bin", "LC_TIME": "C"}


def test_pass_env_adds_to_it() -> None:
    """`pass_env` adds to it but for what is refused."""
    own = {"PATH": "/bin", "HTTPS_PROXY": "p", "TF_LOG": "trace", "TF_CLI_ARGS": "-destroy"}
    got = process_variables(own, ("HTTPS_PROXY", "TF_*"), (), (), {})
    assert got == {"PATH": "/bin", "HTTPS_PROXY": "p", "TF_LOG": "trace"}
    got = process_variables(own, ("TF_*",), ("TF_CLI_ARGS",), (), {})
    assert got == {"PATH": "/bin", "TF_LOG": "trace", "TF_CLI_ARGS": "-destroy"}


def test_the_innermost_wins_and_facts_win_over_all() -> None:
    layers = ({"A": "environment", "B": "environment"}, {"B": "pipeline", "C": "pipeline"})
    got = process_variables({}, (), (), (*layers, {"C": "step"}), {"A": "fact"})
    assert got == {"PATH": DEFAULT_PATH, "A": "fact", "B": "pipeline", "C": "step"}


def test_refused_variable_in_a_layer() -> None:
    with pytest.raises(VariableRefused, match=r'env\.LD_PRELOAD.*allow_env = \["LD_PRELOAD"\]'):
        process_variables({}, (), (), ({"LD_PRELOAD": "x"},), {})
    got = process_variables({}, (), ("LD_PRELOAD",), ({"LD_PRELOAD": "x"},), {})
    assert got["LD_PRELOAD"] == "x"


def test_job_facts() -> None:
    params = {"version": "v1", "dry-run": True, "count": 3}
    assert job_facts(JOB, "smoke", 2, params) == {
        "ORCHESTRATOR_JOB_ID": "118",
        "ORCHESTRATOR_PIPELINE": "team/web",
        "ORCHESTRATOR_ENVIRONMENT": "production",
        "ORCHESTRATOR_KIND": "deploy",
        "ORCHESTRATOR_SUBMITTER": "ada",
        "ORCHESTRATOR_STEP": "smoke",
        "ORCHESTRATOR_ATTEMPT": "2",
        "ORCHESTRATOR_PARAM_VERSION": "v1",
        "ORCHESTRATOR_PARAM_DRY_RUN": "true",
        "ORCHESTRATOR_PARAM_COUNT": "3",
    }
