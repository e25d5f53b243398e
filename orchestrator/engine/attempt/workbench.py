"""Lays out what an attempt needs: its adapter, its resolved settings, its directories."""

import json
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import structlog
import trio
from msgspec.structs import replace

from orchestrator.config.secrets import secrets_in_env, secrets_named
from orchestrator.config.settings import SecretValues, SettingsInvalid, resolve_settings
from orchestrator.core.language import commands as cmd
from orchestrator.core.language.definition import (
    SOURCE_STEP,
    JobDefinition,
    StepDefinition,
    Variables,
)
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import Job, Pending, Step, StepRef
from orchestrator.core.rules.scopes import scope_of, steps_read
from orchestrator.core.values.references import ReferenceProblem, Scope
from orchestrator.core.world.world import World
from orchestrator.engine.attempt.adapter_files import digest_of_files
from orchestrator.engine.attempt.attempt_journal import JournalOfAttempt, JournalOfRecheck
from orchestrator.engine.attempt.attempt_paths import AttemptPaths
from orchestrator.engine.attempt.journal import RECHECK
from orchestrator.engine.attempt.mark import ForeignDirectory, mark_directory
from orchestrator.engine.attempt.process_place import ProcessPlaces
from orchestrator.engine.attempt.process_variables import (
    VariableRefused,
    job_facts,
    process_variables,
    resolved_layers,
)
from orchestrator.engine.attempt.step import AttemptFacts, DurableStep, StepServices
from orchestrator.engine.attempt.step_processes import AttemptProcesses
from orchestrator.engine.live import Live
from orchestrator.engine.paths import Paths
from orchestrator.engine.secrets.attempt_secrets import AttemptSecrets
from orchestrator.engine.secrets.job_secrets import JobSecrets
from orchestrator.engine.secrets.log_masking import mask_attempt
from orchestrator.engine.secrets.masking import Hidden, sensitive_values
from orchestrator.engine.secrets.secret_sources import SecretSources, SecretUnavailable
from orchestrator.engine.writer import Writer
from orchestrator.plugin import Adapter, JobInfo, Result
from orchestrator.process.host import ProcessHost
from orchestrator.process.identity import read_boot_id
from orchestrator.process.state import Running

log = structlog.get_logger(__name__)


class StepUnusable(Exception):
    """The step can't be entered: its settings can't be resolved, or its adapter is missing."""


class Bench:
    """An adapter and its step, in the phase that was entered last."""

    def __init__(
        self, adapter: Adapter[Any], step: DurableStep[Any], journal: JournalOfAttempt | None
    ) -> None:
        self.adapter = adapter
        self.step = step
        self._journal = journal

    def enter(self, phase: str) -> None:
        """The next call of the adapter belongs to this phase."""
        self.step = self.step.in_phase(phase)

    @property
    def hidden(self) -> Hidden:
        """What must not be shown of the attempt."""
        return self.step.hidden

    @property
    def cancel_step(self) -> DurableStep[Any]:
        """The same attempt for the adapter's cancel, which runs beside its apply."""
        return self.step.in_phase("cancel")

    def log(self, text: str) -> None:
        """Write to the step's log."""
        self.step.log(text)

    def wake(self) -> None:
        """An answer has come, or a stop: what waits for either looks again."""
        if self._journal is not None:
            self._journal.wake()

    def applied(self, ref: StepRef, result: Result, outputs_file: Path) -> cmd.ApplyDone:
        """The observation that an apply returned. Sensitive outputs go to a file (0600)."""
        outputs = dict(result.outputs)
        sensitive = set(result.sensitive)
        if self._journal is not None:
            outputs = {**self._journal.outputs, **outputs}
            sensitive |= self._journal.sensitive
        hidden = {name: outputs[name] for name in sensitive if name in outputs}
        if hidden:
            write_private(outputs_file, json.dumps(hidden))
            self.hidden.add(hidden)
        return cmd.ApplyDone(
            ref=ref,
            succeeded=result.succeeded,
            exit=result.exit,
            signal=result.signal,
            statuses=result.statuses,
            reason=result.reason,
            summary=result.summary,
            outputs={name: None if name in hidden else value for name, value in outputs.items()},
            sensitive=tuple(sorted(hidden)),
            stopped=result.stopped,
        )


class _Given(msgspec.Struct, frozen=True):
    """What an attempt is given beside its definition."""

    journal: JournalOfAttempt | JournalOfRecheck
    secrets: SecretValues
    hidden: Hidden


class Workbench:
    """Makes benches. `adapters` are those that were loaded at start."""

    def __init__(
        self,
        adapters: Mapping[str, Adapter[Any]],
        services: StepServices,
        paths: Paths,
        writer: Writer,
        live: Live,
        variables: Mapping[str, str],
        sources: SecretSources = SecretSources(),  # noqa: B008  it has no state
    ) -> None:
        self._adapters = adapters
        # Now, as they are loaded: later their files may be those of the next version.
        self._files = {name: digest_of_files(adapter) for name, adapter in adapters.items()}
        self._services = services
        self._writer = writer
        self._live = live
        self._variables = variables
        self.paths = paths
        self.secrets = AttemptSecrets(paths, sources)
        self.parameters = JobSecrets(paths)

    async def prepare(self, ref: StepRef, nursery: trio.Nursery) -> Bench:
        """The bench of an attempt of an open job. Raises StepUnusable."""
        world = self._writer.world
        job = world.committed_job(ref.job)
        if job is None:
            raise StepUnusable(f"job {ref.job} has ended")
        definition = world.definition(job)
        secrets = await self._given(world, job, definition, ref)
        hidden = self._hidden(job, secrets)
        uses = world.step_definition(job, ref.step).uses
        files = self._files.get(uses, "")
        journal = JournalOfAttempt(ref, self._writer, self._live, nursery, hidden, files)
        given = _Given(journal, secrets, hidden)
        adapter, step = self._step(world, job, definition, ref, given)
        return Bench(adapter, step, journal)

    async def prepare_recheck(
        self, job: Job, definition: JobDefinition, ref: StepRef, round: int
    ) -> Bench:
        """The bench for verifying a finished attempt again. Raises StepUnusable."""
        secrets = await self._given(self._writer.world, job, definition, ref)
        # A job that was lost while it waited, by the journal, has no steps there (decision 0025).
        records = next((step.records for step in job.steps if step.name == ref.step), ())
        journal = JournalOfRecheck(records)
        given = _Given(journal, secrets, self._hidden(job, secrets))
        adapter, step = self._step(self._writer.world, job, definition, ref, given)
        return Bench(adapter, step.in_phase(f"{RECHECK}{round}"), None)

    async def mask(self, ref: StepRef, hidden: Hidden) -> bool:
        """Hide secrets in what the attempt wrote; False on a full disk, then nothing changed."""
        try:
            await mask_attempt(self.paths.attempt(ref), hidden.masks)
        except OSError as problem:
            log.error("a log could not be masked", step=str(ref), problem=str(problem))
            return False
        return True

    def hidden(self, job: Job | None, ref: StepRef) -> Hidden:
        """What must not be shown of an attempt whose secrets are still kept."""
        return self._hidden(job, self.secrets.kept(ref) or SecretValues())

    def settle_parameters(self, world: World) -> None:
        """Keep the secret parameters of open jobs and debts, of what a killed daemon left."""
        held = [job.secrets for job in world.jobs.values()]
        held += [
            debt.secrets
            for environment in world.environments.values()
            for debt in environment.debts
        ]
        self.parameters.settle(secret for secrets in held for secret in secrets.values())

    def settings_type(self, uses: str) -> Any:
        """The type of an adapter's settings, Any where it is not installed."""
        adapter = self._adapters.get(uses)
        return Any if adapter is None else adapter.config_type

    def put_away(self, ref: StepRef) -> None:
        """The attempt is over: nothing is true of it only now any more."""
        self._live.forget(ref)

    @property
    def processes(self) -> ProcessHost:
        """What starts, looks at and ends processes."""
        return self._services.processes

    def processes_of(self, job: Job | None, ref: StepRef) -> AttemptProcesses:
        """What an attempt has started, by its records alone: for whoever can't enter it, and starts
        nothing."""
        directory = self.paths.attempt(ref)
        paths = AttemptPaths(directory=directory, workdir=directory, shared=directory)
        token, began = ("", None) if job is None else (job.token, _began(job, ref.step))
        journal, host = JournalOfRecheck(()), self._services.processes
        return AttemptProcesses(paths, host, journal, None, token, began)

    def pid(self, ref: StepRef) -> int | None:
        """The process of an attempt that works now, the last one that was started."""
        places = ProcessPlaces(self.paths.attempt(ref) / "processes")
        found = [self._services.processes.look(place.directory) for place in places.all()]
        return next((state.pid for state in reversed(found) if isinstance(state, Running)), None)

    def last_output_at(self, ref: StepRef) -> int | None:
        """When something was last written to the attempt's log, in UTC milliseconds."""
        try:
            return self.paths.log(ref).stat().st_mtime_ns // 1_000_000
        except OSError:
            return None

    def _step(
        self,
        world: World,
        job: Job,
        definition: JobDefinition,
        ref: StepRef,
        given: "_Given",
    ) -> tuple[Adapter[Any], DurableStep[Any]]:
        wanted = next(step for step in definition.pipeline.steps if step.name == ref.step)
        adapter = self._adapters.get(wanted.uses)
        if adapter is None:
            raise StepUnusable(
                f"no installed plugin brings the adapter {wanted.uses!r}; see: orchestrator plugins"
            )
        info = _info(job)
        paths = AttemptPaths(
            directory=self.paths.attempt(ref),
            workdir=self._workdir(job, definition, wanted),
            shared=self.paths.shared(job.environment, wanted.uses),
            workdir_is_ours=definition.pipeline.source.path is None,
        )
        try:
            scope = self._scope(world, job, definition, wanted)
            scope = replace(scope, params={**scope.params, **given.secrets.params})
            config = resolve_settings(wanted.config, scope, adapter.config_type, given.secrets)
            commit = None if definition.pipeline.source.git is None else job.source_commit
            facts_of_job = job_facts(info, ref.step, ref.attempt, scope.params, commit)
            variables = self._child_variables(
                world, layers_of(definition, wanted), scope, given.secrets, facts_of_job
            )
            paths.create()
            mark_directory(self.paths.job(job.id), job, read_boot_id())
        except ForeignDirectory as problem:
            raise StepUnusable(str(problem)) from problem
        except (ReferenceProblem, VariableRefused, SettingsInvalid) as problem:
            where = f"{definition.pipeline.origin}: step {ref.step}"
            raise StepUnusable(f"{where}: {problem}") from problem
        except OSError as problem:
            raise StepUnusable(f"{problem.filename}: {problem.strerror}") from problem
        facts = AttemptFacts(
            job=info,
            step=ref.step,
            attempt=ref.attempt,
            config=config,
            params=scope.params,
            base_env=variables,
            hidden=given.hidden,
            token=job.token,
            began=_began(job, ref.step),
        )
        return adapter, DurableStep(facts, paths, self._services, given.journal)

    def _workdir(self, job: Job, definition: JobDefinition, step: StepDefinition) -> Path:
        """Where the step runs. Raises StepUnusable."""
        source = definition.pipeline.source
        if source.path is None:
            work = self.paths.work(job.id)
            return work if step.name == SOURCE_STEP else self._inside(work, definition)
        if not Path(source.path).is_dir():
            raise StepUnusable(
                f"{definition.pipeline.origin}: source.path: {source.path} is no directory; "
                "it must be there before the job runs"
            )
        return Path(source.path)

    def _inside(self, work: Path, definition: JobDefinition) -> Path:
        """The directory of the work tree that steps run in; a step may have made it a link."""
        inside = work / definition.pipeline.source.directory
        if not inside.resolve().is_relative_to(work.resolve()):
            raise StepUnusable(
                f"{definition.pipeline.origin}: source.directory: {inside} leads out of the "
                "work tree by a symbolic link"
            )
        return inside

    def _scope(
        self, world: World, job: Job, definition: JobDefinition, step: StepDefinition
    ) -> Scope:
        read = steps_read((step.config, *layers_of(definition, step)))
        return scope_of(world, job, definition, step, partial(self._outputs, job.id), read)

    def _outputs(self, job: int, step: Step) -> dict[str, Any]:
        if not step.sensitive:
            return step.outputs
        ref = StepRef(job=job, step=step.name, attempt=step.attempt)
        hidden = json.loads(self.paths.sensitive_outputs(ref).read_text(encoding="utf-8"))
        return {**step.outputs, **hidden}

    def _child_variables(
        self,
        world: World,
        layers: tuple[Variables, ...],
        scope: Scope,
        secrets: SecretValues,
        facts: Mapping[str, str],
    ) -> dict[str, str]:
        configuration = world.configuration
        return process_variables(
            self._variables,
            configuration.pass_env if configuration is not None else (),
            configuration.allow_env if configuration is not None else (),
            resolved_layers(scope, secrets.named, *layers),
            facts,
        )

    async def _given(
        self, world: World, job: Job, definition: JobDefinition, ref: StepRef
    ) -> SecretValues:
        """The secrets that the step names, and the job's secret parameters. Raises StepUnusable."""
        step = next(
            candidate for candidate in definition.pipeline.steps if candidate.name == ref.step
        )
        names = secrets_in_env(*layers_of(definition, step))
        adapter = self._adapters.get(step.uses)
        if adapter is not None:
            names |= frozenset(secrets_named(step.config, adapter.config_type))
        configuration = world.configuration
        known = configuration.secrets if configuration is not None else {}
        try:
            params = self.parameters.read(job.secrets)
            return await self.secrets.given(ref, names, known, params)
        except SecretUnavailable as problem:
            raise StepUnusable(str(problem)) from problem
        except OSError as problem:
            raise StepUnusable(f"{problem.filename}: {problem.strerror}") from problem

    def _hidden(self, job: Job | None, secrets: SecretValues) -> Hidden:
        outputs = sensitive_values(self.paths, job) if job is not None else ()
        return Hidden([*secrets.named.values(), *secrets.params.values(), *outputs])


def _began(job: Job, step: str) -> Instant | None:
    """When the attempt of a step began; None where the journal does not know of one."""
    phase = next((known.phase for known in job.steps if known.name == step), None)
    return None if phase is None or isinstance(phase, Pending) else phase.began


def layers_of(definition: JobDefinition, step: StepDefinition) -> tuple[Variables, ...]:
    """The `env` tables that the step gets, the innermost last."""
    return (definition.environment.env, definition.pipeline.env, step.env)


def _info(job: Job) -> JobInfo:
    return JobInfo(
        id=job.id,
        pipeline=job.pipeline,
        environment=job.environment,
        kind=job.kind,
        submitter=job.submitter.user,
    )


def write_private(path: Path, content: str) -> None:
    """Write a file that only we can read, whole or not at all."""
    draft = path.with_name(f"{path.name}.new")
    descriptor = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    draft.rename(path)
