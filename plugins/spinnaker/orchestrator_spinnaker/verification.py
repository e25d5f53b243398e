"""What Gate knows of the pipelines of a step, and what of the settings does not fit it."""

from collections.abc import Container, Iterator

import msgspec

from orchestrator.plugin import Problem, Severity
from orchestrator_spinnaker import parameters
from orchestrator_spinnaker.errors import NotThere
from orchestrator_spinnaker.executions import PipelineConfig
from orchestrator_spinnaker.gate import Gate
from orchestrator_spinnaker.near import did_you_mean
from orchestrator_spinnaker.settings import SpinnakerSettings
from orchestrator_spinnaker.validity import split_conflict


class Verified(msgspec.Struct, frozen=True):
    """The pipelines that were found, each once, the step's own first, and every problem."""

    pipelines: tuple[PipelineConfig, ...]
    problems: tuple[Problem, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """Of the pipelines."""
        return tuple(pipeline.id for pipeline in self.pipelines)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Those that prevent a run."""
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The others."""
        return tuple(problem for problem in self.problems if problem.severity is Severity.WARNING)


async def verify(
    gate: Gate, settings: SpinnakerSettings, stand_ins: Container[str] = ()
) -> Verified:
    """Ask Gate, read-only. Raises GateError where it does not say.

    `stand_ins` are values of parameters that say nothing, because nobody has given them yet.
    """
    problems: list[Problem] = []
    found = [
        _kept(await _find(gate, settings.application, settings.pipeline), "pipeline", problems)
    ]
    for conflict in settings.conflicts:
        other = await _find(gate, *split_conflict(conflict))
        found.append(_kept(other, "conflicts", problems))
    own, *others = found
    if own is not None:
        problems += _of_own(own, settings, stand_ins)
        problems += _triggers(own, "pipeline")
    pipelines = {pipeline.id: pipeline for pipeline in found if pipeline is not None}
    for execution in others:
        if execution is not None and execution is not own:
            problems += _triggers(execution, "conflicts")
    return Verified(tuple(pipelines.values()), tuple(dict.fromkeys(problems)))


def _kept(
    found: PipelineConfig | str, setting: str, problems: list[Problem]
) -> PipelineConfig | None:
    if isinstance(found, PipelineConfig):
        return found
    problems.append(Problem(setting, found))
    return None


async def _find(gate: Gate, application: str, name: str) -> PipelineConfig | str:
    """The pipeline, or why there is none."""
    try:
        return await gate.pipeline(application, name)
    except NotThere:
        names = await gate.pipeline_names(application)
    if not names:
        return f'application "{application}" has no pipelines, or Gate does not know it'
    guess = did_you_mean(name, names)
    return f'application "{application}" has no pipeline "{name}"{guess}'


def _of_own(
    own: PipelineConfig, settings: SpinnakerSettings, stand_ins: Container[str]
) -> Iterator[Problem]:
    if own.disabled:
        yield Problem("pipeline", f"{own.called} is disabled in Spinnaker")
    yield from parameters.problems(settings.parameters, own, stand_ins)
    names = {stage.name for stage in own.stages or () if stage.name}
    for output, source in settings.outputs.items():
        if names and source.stage not in names:
            text = f'{own.called} has no stage "{source.stage}"'
            guess = did_you_mean(source.stage, names)
            yield Problem(f"outputs.{output}", text + guess, Severity.WARNING)


def _triggers(one: PipelineConfig, setting: str) -> Iterator[Problem]:
    kinds = sorted({each.type or "" for each in one.triggers or () if each.enabled})
    if kinds:
        named = " and ".join(f"{kind} trigger".strip() for kind in kinds)
        start = "starts" if len(kinds) == 1 else "start"
        text = f"{one.called} has an enabled {named}, which {start} it without us, at any time"
        yield Problem(setting, text, Severity.WARNING)
