"""Pipelines as they are configured, and the plugins that bring their adapters."""

from collections.abc import Mapping

from litestar import get

from orchestrator.api import wire
from orchestrator.api.definition_views import pipeline_view
from orchestrator.api.given import GivenCaller, GivenEngine, Name
from orchestrator.api.names import name_of
from orchestrator.api.reading import demand_viewer, may_see
from orchestrator.api.wire_pipelines import Pipeline, Pipelines
from orchestrator.core.language.commands import Caller
from orchestrator.core.language.definition import PipelineDefinition
from orchestrator.core.language.rejections import UnknownPipeline
from orchestrator.core.world.world import World


@get("/v1/pipelines", summary="List pipelines")
async def list_pipelines(engine: GivenEngine, caller: GivenCaller) -> Pipelines:
    """Every pipeline that the caller may see."""
    async with engine.reading() as world:
        demand_viewer(world, caller, "listing pipelines")
        known = _known(world)
        seen = [known[name] for name in sorted(known) if may_see(world, caller, None, name)]
    return Pipelines(pipelines=tuple(_view(world, caller, shown) for shown in seen))


@get("/v1/pipelines/{name:str}", summary="Show a pipeline")
async def show_pipeline(name: Name, engine: GivenEngine, caller: GivenCaller) -> Pipeline:
    """Its parameters, its steps in their order, and who must approve of it."""
    async with engine.reading() as world:
        doing = f"looking at pipeline {name_of(name)}"
        demand_viewer(world, caller, doing, pipeline=name_of(name))
        known = _known(world)
        if name_of(name) not in known:
            raise UnknownPipeline(name_of(name), known)
        return _view(world, caller, known[name_of(name)])


@get("/v1/plugins", summary="List plugins")
async def list_plugins(engine: GivenEngine, caller: GivenCaller) -> wire.Plugins:
    """Every plugin, the broken ones too."""
    async with engine.reading() as world:
        demand_viewer(world, caller, "listing plugins")
    return wire.Plugins(
        plugins=tuple(
            wire.Plugin(
                name=plugin.name,
                version=plugin.version,
                adapters=plugin.adapters,
                problem=plugin.problem.text if plugin.problem is not None else None,
                api=plugin.api,
            )
            for plugin in engine.surroundings.plugins
        )
    )


def _known(world: World) -> Mapping[str, PipelineDefinition]:
    return world.configuration.pipelines if world.configuration is not None else {}


def _view(world: World, caller: Caller, of: PipelineDefinition) -> Pipeline:
    configured = world.configuration.environments if world.configuration is not None else {}
    seen = {
        name: environment
        for name, environment in configured.items()
        if may_see(world, caller, name, of.name)
    }
    return pipeline_view(of, seen)


handlers = [list_pipelines, show_pipeline, list_plugins]
