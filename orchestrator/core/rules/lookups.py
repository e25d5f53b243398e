"""What a request names: found, or refused with the names that may have been meant."""

from orchestrator.core.language.definition import (
    Configuration,
    EnvironmentDefinition,
    PipelineDefinition,
)
from orchestrator.core.language.model import Environment
from orchestrator.core.language.rejections import (
    EnvironmentRetired,
    UnknownEnvironment,
    UnknownPipeline,
)
from orchestrator.core.world.world import World


def configured(world: World) -> Configuration:
    """The configuration in force."""
    if world.configuration is None:
        raise AssertionError("the daemon accepts a configuration before any request")
    return world.configuration


def pipeline_named(configuration: Configuration, name: str) -> PipelineDefinition:
    """The pipeline. Raises UnknownPipeline."""
    if name not in configuration.pipelines:
        raise UnknownPipeline(name, configuration.pipelines)
    return configuration.pipelines[name]


def environment_named(world: World, name: str) -> EnvironmentDefinition:
    """The configured environment. Raises UnknownEnvironment, EnvironmentRetired."""
    configuration = configured(world)
    if name in configuration.environments:
        return configuration.environments[name]
    if name in world.environments:
        raise EnvironmentRetired(name)
    raise UnknownEnvironment(name, configuration.environments)


def known_environment(world: World, name: str) -> Environment:
    """The state of an environment, retired ones too. Raises UnknownEnvironment."""
    if name not in world.environments:
        environment_named(world, name)
    return world.environment(name)
