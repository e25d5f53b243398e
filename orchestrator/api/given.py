"""What handlers are given beside the request's own fields."""

from typing import Annotated, TypeAlias

from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter

from orchestrator.api.facts import DaemonFacts
from orchestrator.api.presence import Presence
from orchestrator.core.language.commands import Caller
from orchestrator.engine.engine import Engine

GivenEngine: TypeAlias = NamedDependency[Engine]
GivenCaller: TypeAlias = NamedDependency[Caller]
GivenFacts: TypeAlias = NamedDependency[DaemonFacts]
GivenPresence: TypeAlias = NamedDependency[Presence]

JobId: TypeAlias = FromPath[int]
Name: TypeAlias = FromPath[str]

LONGEST_KEY = 200

Key: TypeAlias = Annotated[
    str | None, HeaderParameter(name="Idempotency-Key", max_length=LONGEST_KEY)
]
