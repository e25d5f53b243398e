"""Asks the tools and servers that steps name, read-only, whether those steps could run."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.config.secrets import secrets_in_env, secrets_named
from orchestrator.config.settings import SecretValues, SettingsInvalid, resolve_settings
from orchestrator.core.language.definition import (
    Configuration,
    EnvironmentDefinition,
    PipelineDefinition,
    StepDefinition,
)
from orchestrator.core.values.parameter_values import not_given, typed
from orchestrator.core.values.references import JobFacts, ReferenceProblem, Scope
from orchestrator.engine.attempt.attempt_journal import JournalOfRecheck
from orchestrator.engine.attempt.attempt_paths import AttemptPaths
from orchestrator.engine.attempt.claims import ClaimBook
from orchestrator.engine.attempt.process_variables import (
    VariableRefused,
    job_facts,
    process_variables,
    resolved_layers,
)
from orchestrator.engine.attempt.step import AttemptFacts, DurableStep, StepServices
from orchestrator.engine.secrets.secret_sources import SecretSources, SecretUnavailable
from orchestrator.plugin import Adapter, AdapterError, JobInfo, Problem, SecretSource, Severity
from orchestrator.process.host import ProcessHost
from orchestrator.process.identity import read_boot_id


class CheckFinding(msgspec.Struct, frozen=True):
    """What was found of one step in one environment. `asked` is false where it could not be."""

    origin: str
    step: str
    environment: str
    text: str
    severity: Severity
    asked: bool = True

    def __str__(self) -> str:
        """One line, as `check` prints it."""
        word = "" if self.severity is Severity.ERROR else "warning: "
        return f"{self.origin}: step {self.step} in {self.environment}: {word}{self.text}"


async def check_online(
    configuration: Configuration,
    adapters: Mapping[str, Adapter[Any]],
    secrets: Mapping[str, SecretSource] | None = None,
) -> tuple[CheckFinding, ...]:
    """Every problem of every step in each environment that its pipeline covers."""
    found: list[CheckFinding] = []
    with tempfile.TemporaryDirectory(prefix="orchestrator-check-") as scratch:
        asking = _Asking(configuration, adapters, SecretSources(secrets), Path(scratch))
        for pipeline, environment, step in _steps(configuration):
            found += await asking.ask(pipeline, environment, step)
    return tuple(dict.fromkeys(found))


def _steps(
    configuration: Configuration,
) -> Iterator[tuple[PipelineDefinition, EnvironmentDefinition, StepDefinition]]:
    for pipeline in configuration.pipelines.values():
        for environment in configuration.environments.values():
            if pipeline.environments is None or environment.name in pipeline.environments:
                for step in pipeline.steps:
                    yield pipeline, environment, step


class _Asking:
    """One round of questions, in a directory that goes with it."""

    def __init__(
        self,
        configuration: Configuration,
        adapters: Mapping[str, Adapter[Any]],
        sources: SecretSources,
        scratch: Path,
    ) -> None:
        self._sources = sources
        self._configuration = configuration
        self._adapters = adapters
        self._scratch = scratch
        host = ProcessHost(scratch / "keeper")
        claims = ClaimBook(scratch, host, read_boot_id(), lambda: 0)
        self._services = StepServices(processes=host, claims=claims)
        self._number = 0

    async def ask(
        self,
        pipeline: PipelineDefinition,
        environment: EnvironmentDefinition,
        definition: StepDefinition,
    ) -> list[CheckFinding]:
        """What the adapter of one step finds."""
        adapter = self._adapters[definition.uses]
        if type(adapter).check is Adapter.check:
            return []

        def finding(text: str, severity: Severity, asked: bool = True) -> CheckFinding:
            return CheckFinding(
                pipeline.origin, definition.name, environment.name, text, severity, asked
            )

        try:
            secrets = await self._secrets(pipeline, environment, definition, adapter)
            step = self._step(pipeline, environment, definition, adapter, secrets)
        except (
            ReferenceProblem,
            SettingsInvalid,
            VariableRefused,
            SecretUnavailable,
        ) as problem:
            return [finding(f"not asked: {problem}", Severity.WARNING, asked=False)]
        except OSError as problem:
            return [finding(f"{problem.filename}: {problem.strerror}", Severity.ERROR)]
        try:
            problems = await adapter.check(step)
        except AdapterError as error:
            return [finding(str(error), Severity.ERROR)]
        except Exception as error:
            text = f"plugin error: check of {adapter.name} raised {type(error).__name__}: {error}"
            return [finding(text, Severity.ERROR)]
        return [finding(in_words(problem), problem.severity) for problem in problems]

    async def _secrets(
        self,
        pipeline: PipelineDefinition,
        environment: EnvironmentDefinition,
        step: StepDefinition,
        adapter: Adapter[Any],
    ) -> SecretValues:
        """What the step is given. Raises SecretUnavailable; perhaps only the daemon may read it."""
        names = secrets_in_env(environment.env, pipeline.env, step.env)
        names |= frozenset(secrets_named(step.config, adapter.config_type))
        known = self._configuration.secrets
        return SecretValues(
            {name: await self._sources.read(name, known.get(name)) for name in sorted(names)}
        )

    def _step(
        self,
        pipeline: PipelineDefinition,
        environment: EnvironmentDefinition,
        definition: StepDefinition,
        adapter: Adapter[Any],
        secrets: SecretValues,
    ) -> DurableStep[Any]:
        texts = {param.name: param.example or not_given(param) for param in pipeline.params}
        params = typed(pipeline.params, texts)
        facts = JobFacts(0, pipeline.name, environment.name, "check")
        scope = Scope(job=facts, params=params, vars=environment.vars)
        info = JobInfo(0, pipeline.name, environment.name, pipeline.kind, "check")
        layers = (environment.env, pipeline.env, definition.env)
        self._number += 1
        own = self._scratch / str(self._number)
        paths = AttemptPaths(
            directory=own / "attempt",
            workdir=Path(pipeline.source.path) if pipeline.source.path else own / "work",
            shared=own / "shared",
            workdir_is_ours=pipeline.source.path is None,
        )
        paths.create()
        return DurableStep(
            AttemptFacts(
                job=info,
                step=definition.name,
                attempt=1,
                config=resolve_settings(definition.config, scope, adapter.config_type, secrets),
                params=params,
                base_env=process_variables(
                    os.environ,
                    self._configuration.pass_env,
                    self._configuration.allow_env,
                    resolved_layers(scope, secrets.named, *layers),
                    job_facts(info, definition.name, 1, params),
                ),
            ),
            paths,
            self._services,
            JournalOfRecheck(()),
        )


def in_words(problem: Problem) -> str:
    """A problem with the setting that it is about."""
    return f"with.{problem.setting}: {problem.text}" if problem.setting else problem.text
