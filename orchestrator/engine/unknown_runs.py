"""Runs that the journal does not know: whether they live, and where their directories go."""

import structlog

from orchestrator.core.language.model import Job
from orchestrator.core.world.world import World
from orchestrator.engine.attempt.mark import read_mark
from orchestrator.engine.attempt.workbench import Workbench
from orchestrator.engine.survey import places
from orchestrator.process.state import NotStarted, Running
from orchestrator.store.protocol import Store

log = structlog.get_logger(__name__)


class UnknownRuns:
    """Looks at them, waits for them and sets them aside."""

    def __init__(self, workbench: Workbench, world: World, store: Store) -> None:
        self._workbench = workbench
        self._world = world
        self._store = store

    def pids(self, job: int) -> tuple[int, ...]:
        """Its tools that are at work now."""
        host = self._workbench.processes
        states = [host.look(place.directory) for place in places(self._workbench.paths.job(job))]
        return tuple(state.pid for state in states if isinstance(state, Running))

    async def until_dead(self, job: int) -> None:
        """Until nothing of it lives, however long that takes."""
        host = self._workbench.processes
        for place in places(self._workbench.paths.job(job)):
            # A supervisor of it may be about to begin: what is void it gives up.
            if isinstance(host.look(place.directory), NotStarted) and host.void(place.directory):
                continue
            await host.wait_until_dead(place.directory)

    async def set_aside(self, job: int) -> None:
        """Put its directory out of the way, its secrets hidden in it. May be repeated.

        A directory that can't be moved (a full disk) stays, and is told of: its number is spent,
        so nothing will ever take it for its own.
        """
        paths = self._workbench.paths
        directory = paths.job(job)
        if not directory.is_dir():
            return
        mark = read_mark(directory)
        token = "" if mark is None else mark.token
        told = {"job": job, "environment": "", "pipeline": ""}
        if mark is not None:
            told |= {"environment": mark.environment, "pipeline": mark.pipeline}
        known = None if mark is None else await self._known(job, token)
        await self._hide_secrets(job, known)
        if known is not None:
            return
        target = paths.aside(job, token)
        try:
            target.parent.mkdir(mode=0o700, exist_ok=True)
            directory.rename(target)
        except OSError as problem:
            log.error(
                "a job that the journal does not know could not be set aside",
                **told,
                directory=str(directory),
                problem=str(problem),
            )
            return
        log.warning("a job that the journal does not know was set aside", **told, to=str(target))

    async def _known(self, job: int, token: str) -> Job | None:
        """This very job, where the journal knows it, though not that it ran: it keeps its files."""
        known = self._world.committed_job(job) or await self._store.job(job)
        return known if known is not None and known.token == token else None

    async def _hide_secrets(self, job: int, known: Job | None) -> None:
        secrets = self._workbench.secrets
        for ref in list(secrets.unfinished()):
            if ref.job == job:
                hidden = self._workbench.hidden(known, ref)
                if await self._workbench.mask(ref, hidden):
                    secrets.forget(ref)
