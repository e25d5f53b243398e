"""How far an operation is, and why it gets no further: read-only looks at the cluster."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

import anyio

from orchestrator.plugin import AdapterError
from orchestrator_helm import intent, rendering
from orchestrator_helm.causes import Family, alone, explain, families
from orchestrator_helm.cluster import Cluster, Live, NotVisible
from orchestrator_helm.manifests import Identity
from orchestrator_helm.readiness import is_ready
from orchestrator_helm.settings import Action
from orchestrator_helm.tool import Helm

INTERVAL = 2.0
"""Seconds between two looks."""
LAST_LOOK = 10.0
"""Seconds that the one after the end may take."""

Value = TypeVar("Value")


async def watched(helm: Helm, work: Callable[[], Awaitable[Value]]) -> tuple[Value, "Watch"]:
    """Do the work, and show meanwhile how far it is; what was seen last."""
    watch = Watch(helm)
    failure: Exception | None = None
    async with anyio.create_task_group() as group:
        group.start_soon(watch.forever)
        try:
            value = await work()
        except Exception as error:  # a group would wrap what the daemon must see as it is
            failure = error
        group.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return value, watch


class Watch:
    """Looks again and again at what an operation works on."""

    def __init__(self, helm: Helm) -> None:
        self._helm = helm
        self._cluster = Cluster(helm)
        self._known = rendering.read(helm)
        self._waiting: dict[Identity, Family] = {}

    async def forever(self) -> None:
        """Until cancelled. Where looking is forbidden, that is said and it ends."""
        try:
            while True:
                await self._look()
                await anyio.sleep(INTERVAL)
        except NotVisible as reason:
            self._helm.step.warn(f"the progress can't be seen: {reason}")
        except Exception as error:  # whatever goes wrong here must not end what is watched
            self._helm.step.warn(f"the progress can't be seen any more: {error!r}")

    async def _look(self) -> None:
        objects = await self._cluster.get(self._known.objects, "progress")
        hooks = await self._cluster.get(self._known.hooks, "progress-hooks")
        total = len(self._known.objects)
        running = [hook for hook in hooks if not is_ready(hook)]
        if self._helm.settings.action is Action.UNINSTALL:
            self._tell(total - len(objects), total, "removed", running)
            return
        unready = [resource for resource in objects if not is_ready(resource)]
        self._tell(len(objects) - len(unready), total, "ready", [*running, *unready])
        await self._remember([*running, *unready])

    def _tell(self, done: int, total: int, word: str, waiting: Sequence[Live]) -> None:
        text = f"resources {word}"
        if waiting:
            names = [str(resource.identity) for resource in waiting]
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            text += f", waiting for {names[0]}{more}"
        self._helm.step.progress(done, total, text)

    async def _remember(self, waiting: Sequence[Live]) -> None:
        """What a failure will be explained with: helm may undo it before it ends."""
        if self._helm.settings.rollback_on_failure and self._waiting and await self._undoes():
            return
        try:
            self._waiting = await families(self._cluster, waiting) if waiting else {}
        except NotVisible:
            self._waiting = alone(waiting)
            raise

    async def _undoes(self) -> bool:
        """Whether helm has given up, and goes back."""
        meant = intent.read(self._helm)
        try:
            history = await self._helm.history()
        except AdapterError:
            return False
        made = None if meant is None else history.get(meant.makes)
        return made is None or not made.status.startswith("pending")

    async def explain(self) -> None:
        """Tell the log, once, why what was waited for did not come about."""
        marker = self._helm.at.explained
        if marker.exists():
            return
        if not self._helm.settings.rollback_on_failure:
            with suppress(NotVisible), anyio.move_on_after(LAST_LOOK):
                await self._look()
        for line in await explain(self._cluster, self._waiting):
            self._helm.step.log(line)
        marker.touch(mode=0o600)
