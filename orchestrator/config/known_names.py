"""What one file of a configuration needs to know of the others."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.config.paths import Host
from orchestrator.plugin.registry import Registry


class KnownNames(msgspec.Struct, frozen=True):
    """Names that exist, even where their files have mistakes, so that one mistake makes no others.

    `kinds`, `allow_env` and `secrets` are None when orchestrator.toml could not be parsed. `vars`
    holds the environments whose file could.
    """

    directory: Path
    host: Host
    registry: Registry
    kinds: frozenset[str] | None
    allow_env: tuple[str, ...] | None
    secrets: frozenset[str] | None
    environments: frozenset[str]
    vars: Mapping[str, Mapping[str, Any]]
