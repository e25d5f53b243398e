"""Pipelines as they are configured, and the plugins that bring their adapters."""

from collections.abc import Mapping

from litestar import get

from orchestrator.api import wire
from orchestrator.api.given import GivenCaller, GivenEngine, Name
from orchestrator.api.names import name_of
from orchestrator.api.reading import demand_viewer, may_see
from orchestrator.core.definition import Parameter, PipelineDefinition
from orchestrator.core.parameter_values import typed
from orchestrator.core.rejections import UnknownPipeline
from orchestrator.core.world import World


@get("/v1/pipelines", summary="List pipelines")
async def list_pipelines(engine: GivenEngine, caller: GivenCaller) -> wire.Pipelines:
    """Every pipeline that the caller may see."""
    async with engine.reading() as world:
        demand_viewer(world, caller, "listing pipelines")
        known = _known(world)
        seen = [known[name] for name in sorted(known) if may_see(world, caller, None, name)]
    return wire.Pipelines(pipelines=tuple(_pipeline(one) for one in seen))


@get("/v1/pipelines/{name:str}", summary="Show a pipeline")
async def show_pipeline(name: Name, engine: GivenEngine, caller: GivenCaller) -> wire.Pipeline:
    """Its parameters, and its steps in their order."""
    async with engine.reading() as world:
        doing = f"looking at pipeline {name_of(name)}"
        demand_viewer(world, caller, doing, pipeline=name_of(name))
        known = _known(world)
        if name_of(name) not in known:
            raise UnknownPipeline(name_of(name), known)
        return _pipeline(known[name_of(name)])


@get("/v1/plugins", summary="List plugins")
async def list_plugins(engine: GivenEngine, caller: GivenCaller) -> wire.Plugins:
    """Every plugin, the broken ones too."""
    async with engine.reading() as world:
        demand_viewer(world, caller, "listing plugins")
    return wire.Plugins(
        plugins=tuple(
            wire.Plugin(
                name=one.name,
                version=one.version,
                adapters=one.adapters,
                problem=one.problem.text if one.problem is not None else None,
            )
            for one in engine.surroundings.plugins
        )
    )


def _known(world: World) -> Mapping[str, PipelineDefinition]:
    return world.configuration.pipelines if world.configuration is not None else {}


def _pipeline(of: PipelineDefinition) -> wire.Pipeline:
    return wire.Pipeline(
        name=of.name,
        kind=of.kind,
        description=of.description or None,
        environments=of.environments,
        params=tuple(_parameter(one) for one in of.params),
        steps=tuple(
            wire.PipelineStep(
                name=one.name,
                uses=one.uses,
                section=one.section.value,
                stage=one.stage,
                needs=one.needs,
                touches=one.touches,
            )
            for one in of.steps
        ),
        cleanup=of.cleanup.pipeline if of.cleanup is not None else None,
        stop=wire.Stop(
            queued=of.stop.queued.value,
            preparing=of.stop.preparing.value,
            acquiring=of.stop.acquiring.value,
            applying=of.stop.applying.value,
            cleaning_up=of.stop.cleaning_up.value,
        ),
    )


def _parameter(of: Parameter) -> wire.Parameter:
    return wire.Parameter(
        name=of.name,
        type=of.type.value,
        required=of.required,
        default=None if of.default is None else typed((of,), {of.name: of.default})[of.name],
        pattern=of.pattern,
        description=of.description or None,
        choices=of.choices or None,
        min=of.min,
        max=of.max,
        example=of.example,
        secret=of.secret,
    )


handlers = [list_pipelines, show_pipeline, list_plugins]
