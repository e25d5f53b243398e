"""The variables of a step's processes: an allow-list, never the daemon's own."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from orchestrator.config.child_variables import matches, refused
from orchestrator.core.language.definition import Variables
from orchestrator.core.values.parameter_values import text_of
from orchestrator.core.values.parameters import variable_name
from orchestrator.core.values.references import Scope, resolve_as_text
from orchestrator.plugin import JobInfo

INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_*", "TZ", "TMPDIR")
"""What every tool gets from the daemon; `pass_env` adds to it."""
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""The PATH of tools where the daemon has none."""


class VariableRefused(Exception):
    """An `env` sets a variable that none may set; the message names it and what allows it."""


def resolved_layers(
    scope: Scope, secrets: Mapping[str, str], *layers: Variables
) -> list[dict[str, str]]:
    """The `env` tables with references and secrets replaced, as text. A secret that `secrets`
    lacks is one that no later layer leaves in force. Raises as `resolve` does."""
    return [
        {
            name: resolve_as_text(value, scope) if isinstance(value, str) else secrets[value.secret]
            for name, value in layer.items()
            if isinstance(value, str) or value.secret in secrets
        }
        for layer in layers
    ]


def process_variables(
    own: Mapping[str, str],
    pass_env: Sequence[str],
    allow_env: Sequence[str],
    layers: Iterable[Mapping[str, str]],
    facts: Mapping[str, str],
) -> dict[str, str]:
    """What the processes of a step get.

    `own` are the daemon's, of which only `INHERITED` and `pass_env` pass. `layers` are
    the `env` tables of environment, pipeline and step: a later one wins. `facts` (`job_facts`)
    win over all of them. Raises VariableRefused.
    """
    taken = (*INHERITED, *pass_env)
    inherited = {n: v for n, v in own.items() if matches(n, taken) and not refused(n, allow_env)}
    variables = {"PATH": DEFAULT_PATH} | inherited
    for layer in layers:
        for name in layer:
            if refused(name, allow_env):
                raise VariableRefused(
                    f"env.{name}: this variable changes what tools do behind their settings; "
                    f'to allow it, write allow_env = ["{name}"] in orchestrator.toml'
                )
        variables.update(layer)
    variables.update(facts)
    return variables


def job_facts(
    job: JobInfo, step: str, attempt: int, params: Mapping[str, Any], commit: str | None = None
) -> dict[str, str]:
    """What every process is told of its job: `ORCHESTRATOR_JOB_ID` and its like, and each
    parameter as `ORCHESTRATOR_PARAM_<NAME>`. `commit` is that of the source, if it has one.
    """
    facts = {
        "ORCHESTRATOR_JOB_ID": str(job.id),
        "ORCHESTRATOR_PIPELINE": job.pipeline,
        "ORCHESTRATOR_ENVIRONMENT": job.environment,
        "ORCHESTRATOR_KIND": job.kind,
        "ORCHESTRATOR_SUBMITTER": job.submitter,
        "ORCHESTRATOR_STEP": step,
        "ORCHESTRATOR_ATTEMPT": str(attempt),
    }
    if commit is not None:
        facts["ORCHESTRATOR_SOURCE_COMMIT"] = commit
    return facts | {variable_name(name): text_of(value) for name, value in params.items()}
