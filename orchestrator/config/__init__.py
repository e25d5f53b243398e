"""TOML files → frozen structs; every error names file, line, key and what was expected."""

from orchestrator.config.configuration import fingerprint, read, state_directory
from orchestrator.config.mistake import ConfigurationInvalid, Mistake

__all__ = ["ConfigurationInvalid", "Mistake", "fingerprint", "read", "state_directory"]
