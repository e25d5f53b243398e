"""What the fixtures of these tests give."""

from collections.abc import Callable, Mapping

from orchestrator.config import Mistake
from orchestrator.core.language.definition import Configuration

Reads = Callable[[Mapping[str, str]], Configuration]
Mistakes = Callable[[Mapping[str, str]], list[Mistake]]
