"""A directory of TOML → Configuration, or every mistake in it."""

import os
from collections.abc import Mapping
from pathlib import Path

from orchestrator.config.cleanups import settle_cleanups
from orchestrator.config.directory import Directory, read_directory
from orchestrator.config.environments import read_environment
from orchestrator.config.known_names import KnownNames
from orchestrator.config.main_file import MainFile, read_main, report_socket
from orchestrator.config.mistake import ConfigurationInvalid
from orchestrator.config.paths import Host, located
from orchestrator.config.pipelines import read_pipeline
from orchestrator.config.secrets import read_secrets
from orchestrator.config.shared_tables import roles_of
from orchestrator.core.language.definition import (
    Configuration,
    EnvironmentDefinition,
    PipelineDefinition,
    SecretDefinition,
)
from orchestrator.core.language.digest import digest
from orchestrator.plugin.registry import Registry


def read(directory: Path, registry: Registry, host: Host | None = None) -> Configuration:
    """Read and judge a whole configuration directory.

    Raises ConfigurationInvalid with every mistake. `host` takes the place of this process's user
    and environment, which decide the default paths.
    """
    directory = directory.absolute()
    host = host or Host(os.geteuid(), os.environ)
    files = read_directory(directory)
    main = read_main(files.main)
    allow_env = main.table.allow_env if files.main.parsed else None
    secrets = frozenset(main.table.secrets) if files.main.parsed else None
    environments = {
        name: read_environment(name, document, allow_env, secrets)
        for name, document in files.environments.items()
    }
    around = _known_names(directory, host, registry, files, main, environments)
    pipelines = settle_cleanups(
        {
            name: read_pipeline(name, doc, around)
            for name, doc in files.pipelines.items()
            if doc.parsed
        },
        files.pipelines,
        around,
    )
    secret_definitions = read_secrets(
        main.table.secrets, files.main, directory, host, registry.secrets
    )
    configuration = _configuration(around, main, environments, pipelines, secret_definitions)
    report_socket(files.main, configuration.socket)
    mistakes = [mistake for document in files.documents for mistake in document.mistakes()]
    if mistakes:
        raise ConfigurationInvalid(mistakes)
    return configuration


def state_directory(directory: Path, host: Host | None = None) -> Path:
    """Where the state lies, as far as a broken configuration still says.

    So a daemon finds the last configuration that was accepted.
    """
    directory = directory.absolute()
    host = host or Host(os.geteuid(), os.environ)
    written = read_main(read_directory(directory).main).table.state_dir
    return located(written, directory, host) if written else host.state_dir


def fingerprint(configuration: Configuration) -> str:
    """A digest that is equal for equal configurations, whatever the order and form of files."""
    return digest(configuration)


def _known_names(
    directory: Path,
    host: Host,
    registry: Registry,
    files: Directory,
    main: MainFile,
    environments: Mapping[str, EnvironmentDefinition],
) -> KnownNames:
    parsed = files.main.parsed
    return KnownNames(
        directory=directory,
        host=host,
        registry=registry,
        kinds=frozenset(main.kinds) if parsed else None,
        allow_env=main.table.allow_env if parsed else None,
        secrets=frozenset(main.table.secrets) if parsed else None,
        environments=frozenset(files.environments),
        vars={
            name: environment.vars
            for name, environment in environments.items()
            if files.environments[name].parsed
        },
    )


def _configuration(
    around: KnownNames,
    main: MainFile,
    environments: dict[str, EnvironmentDefinition],
    pipelines: dict[str, PipelineDefinition],
    secrets: dict[str, SecretDefinition],
) -> Configuration:
    table, directory, host = main.table, around.directory, around.host
    state_dir = located(table.state_dir, directory, host) if table.state_dir else host.state_dir
    socket = located(table.socket, directory, host) if table.socket else host.socket
    return Configuration(
        state_dir=str(state_dir),
        socket=str(socket),
        kinds=main.kinds,
        environments=environments,
        pipelines=pipelines,
        capacity=table.capacity,
        pass_env=table.pass_env,
        allow_env=table.allow_env,
        roles=roles_of(table.roles),
        secrets=secrets,
    )
