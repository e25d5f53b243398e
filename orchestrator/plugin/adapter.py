"""`Adapter`: one tool, with the life acquire → apply → (cancel) → cleanup."""

import abc
from collections.abc import Sequence
from typing import Generic

from orchestrator.plugin.result import CLEAN, Cleanliness, Problem, Result, Traits
from orchestrator.plugin.step import Config, Step


class Adapter(abc.ABC, Generic[Config]):
    """Drives one tool. Only `apply` must be written.

    An adapter holds no state of its own between calls: each gets the step, and may be entered
    again after a restart of the daemon. Everything async runs on anyio; blocking work belongs in
    a thread.
    """

    name: str
    """What a step's `uses` says."""
    config_type: type[Config]
    """A frozen msgspec struct of a step's `with` table; unknown keys are errors."""

    def traits(self, config: Config) -> Traits:
        """What can be known from the settings alone. References may be unresolved here."""
        return Traits()

    async def check(self, step: Step[Config]) -> Sequence[Problem]:
        """Look, read-only, whether this step could run: before acquire, and for `check --online`.

        An error fails the step before anything is touched; a warning is shown beside it.
        """
        return ()

    async def acquire(self, step: Step[Config]) -> None:
        """Make sure that the tool can run: wait for its lock, heal what is ours.

        A stop cancels this call's scope, except while a process with `stop_signal=None` runs.
        """

    @abc.abstractmethod
    async def apply(self, step: Step[Config]) -> Result:
        """Do the work. A graceful stop does not cancel this call: it returns when the tool has."""

    async def cancel(self, step: Step[Config]) -> None:
        """Ask the tool to stop, once. By default its process gets its `stop_signal`."""
        await step.interrupt()

    async def cleanup(self, step: Step[Config]) -> Cleanliness:
        """Release what this attempt holds and verify it by looking. Always runs; idempotent."""
        return CLEAN
