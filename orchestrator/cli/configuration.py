"""The configuration directory as verbs without a daemon use it."""

from __future__ import annotations

from orchestrator.cli.client.errors import UsageMistake

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from orchestrator.core.language.definition import Configuration
    from orchestrator.plugin.registry import Registry

SYSTEM_DIRECTORY = "/etc/orchestrator"
MAIN_FILE = "orchestrator.toml"


def add_config_option(parser: ArgumentParser) -> None:
    """`--config DIR`."""
    parser.add_argument(
        "--config",
        metavar="DIR",
        help=f"the configuration (here if there is an {MAIN_FILE}, else {SYSTEM_DIRECTORY})",
    )


def configuration_directory(named: str | None) -> str:
    """The directory that is meant, absolute. Raises UsageMistake when there is none."""
    from pathlib import Path

    if named is not None:
        if not Path(named).is_dir():
            raise UsageMistake(f"{named}: there is no such directory; `orchestrator init {named}`")
        return str(Path(named).absolute())
    for directory in (Path.cwd(), Path(SYSTEM_DIRECTORY)):
        if (directory / MAIN_FILE).is_file():
            return str(directory)
    raise UsageMistake(
        f"no {MAIN_FILE} here or in {SYSTEM_DIRECTORY}: say where with --config DIR, "
        "or write a first one: orchestrator init DIR"
    )


def read_configuration(directory: str, registry: Registry) -> Configuration:
    """Read and validate it. Raises ConfigurationInvalid with every mistake."""
    from pathlib import Path

    from orchestrator.config import read

    return read(Path(directory), registry)


def load_registry() -> Registry:
    """Our own adapters and every installed plugin."""
    from orchestrator.builtin.modules import MODULES
    from orchestrator.plugin.registry import load

    return load(MODULES)
