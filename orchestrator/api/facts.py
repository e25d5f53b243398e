"""What is true of the daemon itself."""

import importlib.metadata
import os

import msgspec

from orchestrator.core.language.instant import Instant
from orchestrator.engine.engine import Engine

DISTRIBUTION = "deploy-orchestrator"


class DaemonFacts(msgspec.Struct, frozen=True):
    """This process, and when it began to serve."""

    pid: int
    version: str
    started: Instant

    @staticmethod
    def of(engine: Engine) -> "DaemonFacts":
        """The facts of the daemon that this engine is at work in."""
        return DaemonFacts(pid=os.getpid(), version=version(), started=engine.clock.now())


def version() -> str:
    """The release, as it was installed."""
    return importlib.metadata.version(DISTRIBUTION)
