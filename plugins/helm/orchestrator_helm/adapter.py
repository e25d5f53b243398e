"""The adapter: what each phase does."""

import signal
from collections.abc import Sequence
from typing import assert_never

import anyio
import anyio.to_thread

from orchestrator.plugin import (
    CLEAN,
    Adapter,
    Cleanliness,
    Exit,
    Outcome,
    OutcomeRule,
    Problem,
    Result,
    Step,
    Traits,
)
from orchestrator_helm import (
    check,
    credentials,
    diff,
    healing,
    intent,
    leftovers,
    ownership,
    rendering,
    results,
    strays,
    tool,
)
from orchestrator_helm.intent import KEY, Intent
from orchestrator_helm.progress import Watch, watched
from orchestrator_helm.release import read_status
from orchestrator_helm.settings import Action, HelmSettings, known_seconds
from orchestrator_helm.tool import Helm, open_helm

CHANGES = 2
"""The exit code of a `diff` that has something to change."""
DIFF_OUTCOMES = (
    OutcomeRule("exit 0", Outcome.CONTINUE),
    OutcomeRule("exit 2", Outcome.CONTINUE),
)
UNSTOPPABLE = (Action.ROLLBACK, Action.UNINSTALL)
"""helm has no handler for a signal in them: one leaves the release pending."""
UNDOING_OPERATIONS = 3
"""What a roll back, and an uninstall, may take helm's `timeout` for: a hook, the rest, a hook."""
MARGIN = 60.0
HANDLER_PATIENCE = 10.0
"""Seconds in which helm comes to the point from which it understands a signal."""
LOOK_PAUSE = 0.1


class HelmAdapter(Adapter[HelmSettings]):
    """`uses = "helm"`. A stop is one SIGINT to helm's pid, and then patience."""

    name = "helm"
    config_type = HelmSettings

    def traits(self, config: HelmSettings) -> Traits:
        """The grace is what helm itself may take to undo: `timeout` for each operation."""
        outcomes = DIFF_OUTCOMES if config.action is Action.DIFF else ()
        return Traits(touches=config.action.touches, grace=grace(config), outcomes=outcomes)

    async def check(self, step: Step[HelmSettings]) -> Sequence[Problem]:
        """Binary and version, files."""
        return await check.problems(step)

    async def acquire(self, step: Step[HelmSettings]) -> None:
        """A release on which nothing is pending, and a chart that renders."""
        if not step.config.action.touches:
            return
        helm = await open_helm(step)
        found = history = await helm.settled_history()
        if history.pending is not None:
            history = await healing.wait_until_settled(helm)
        if step.config.action.renders:  # before anything is touched
            await rendering.prepare(helm, history)
        if healing.wants_return(helm, history):
            history = await healing.return_to_deployed(helm, history)
        if not step.config.action.renders:
            await rendering.prepare(helm, history)
        await strays.remove_orphans(helm, found, history)

    async def apply(self, step: Step[HelmSettings]) -> Result:
        """One helm, and then what its record of the release says."""
        helm = await open_helm(step)
        match step.config.action:
            case Action.UPGRADE:
                return await self._upgrade(helm)
            case Action.ROLLBACK:
                return await self._rollback(helm)
            case Action.UNINSTALL:
                return await self._uninstall(helm)
            case Action.TEST:
                return await self._test(helm)
            case Action.STATUS:
                return results.of_status(await helm.settled_history())
            case Action.DIFF:
                return await self._diff(helm)
            case never:
                assert_never(never)

    async def cancel(self, step: Step[HelmSettings]) -> None:
        """One SIGINT, when helm can understand it; a roll back or an uninstall goes on to its end.

        helm understands a signal before it makes its revision; until then a signal ends it at
        once, with the release untouched.
        """
        helm = Helm(step, await tool.version_of(step))
        with anyio.move_on_after(HANDLER_PATIENCE):
            await _until_handler(helm)
        limit = grace(step.config)
        if await step.interrupt():
            step.log(f"helm was asked to stop; it may take {limit:g} s to end")
        elif step.config.action in UNSTOPPABLE:
            action = step.config.action.value
            step.log(f"{action} can't be stopped half way: helm goes on, for {limit:g} s at most")
            await step.waiting_for(f"helm to end: {action} can't be stopped half way")

    async def cleanup(self, step: Step[HelmSettings]) -> Cleanliness:
        """Heal what this attempt left pending, and look what stands."""
        await step.sweep()
        found = CLEAN
        if tool.layout(step).touched.exists():
            found = await leftovers.find(await open_helm(step))
        if found.clean:
            await anyio.to_thread.run_sync(tool.tidy, tool.layout(step))
        return found

    async def _upgrade(self, helm: Helm) -> Result:
        credentials.write(helm.commands)
        meant = await intent.begin(helm)
        ended, watch = await _run(helm, helm.commands.upgrade(meant.mark), signal.SIGINT)
        history = await helm.settled_history()
        ours = ended.ok or await _made_by_us(helm, meant)
        stopping = helm.step.stop is not None
        result = results.of_upgrade(history, meant, ended, ours=ours, stopping=stopping)
        return await _explained(result, watch)

    async def _rollback(self, helm: Helm) -> Result:
        meant = await intent.begin(helm)
        ended, watch = await _run(helm, helm.commands.rollback(meant.target), None)
        history = await helm.settled_history()
        stopping = helm.step.stop is not None
        result = results.of_rollback(history, meant, ended, stopping=stopping)
        return await _explained(result, watch)

    async def _uninstall(self, helm: Helm) -> Result:
        meant = await intent.begin(helm)
        if not meant.before:
            return Result(ok=True, summary="there was no such release")
        ended, watch = await _run(helm, helm.commands.uninstall(), None)
        history = await helm.settled_history()
        stopping = helm.step.stop is not None
        result = results.of_uninstall(history, meant, ended, stopping=stopping)
        return await _explained(result, watch)

    async def _diff(self, helm: Helm) -> Result:
        """The plan that people approve: exit 2 where there is something to change, else 0."""
        history = await helm.settled_history()
        before = await rendering.what_is(helm, history)
        after = await rendering.would_be(helm, history)
        found = diff.difference(before, after)
        text = helm.step.masked(found.text or found.summary)
        content = f"{text}\n".encode()
        await anyio.to_thread.run_sync(tool.write_private, helm.at.plan, content)
        helm.step.log(text)
        changes = found.text != ""
        outputs = {"plan_text": str(helm.at.plan), "changes": changes}
        exit = CHANGES if changes else 0
        return Result(exit=exit, ok=True, summary=found.summary, outputs=outputs)

    async def _test(self, helm: Helm) -> Result:
        await intent.begin(helm)
        ended, watch = await _run(helm, helm.commands.test(), signal.SIGINT)
        status = read_status(await helm.ask(helm.commands.status()))
        result = results.of_test(status, ended, stopping=helm.step.stop is not None)
        return await _explained(result, watch)


def grace(config: HelmSettings) -> float | None:
    """Seconds from a stop to the end of helm, as its own `timeout` has it."""
    timeout = known_seconds(config.timeout)
    if timeout is None:
        return None
    if config.action in UNSTOPPABLE or config.rollback_on_failure:
        return UNDOING_OPERATIONS * timeout + MARGIN
    return MARGIN


async def _until_handler(helm: Helm) -> None:
    """Return when helm has made its revision, has ended, or was never started."""
    meant = intent.read(helm)
    if meant is None or helm.settings.action is not Action.UPGRADE:
        return
    while helm.step.recall("apply", KEY) is None:
        history = await helm.settled_history()
        if history.number >= meant.makes:
            return
        await anyio.sleep(LOOK_PAUSE)


async def _made_by_us(helm: Helm, meant: Intent) -> bool:
    """Whether the revision that was to be made bears our mark, or can't but by us."""
    return await ownership.is_marked(helm, meant.mark) or not helm.commands.marks


async def _run(helm: Helm, argv: Sequence[str], stop_signal: int | None) -> tuple[Exit, Watch]:
    """The one helm of this step, and what was seen of its work."""
    return await watched(
        helm, lambda: helm.step.run(KEY, argv, env=helm.env, stop_signal=stop_signal)
    )


async def _explained(result: Result, watch: Watch) -> Result:
    """The result; of a failure that nobody asked for the log tells why."""
    if not result.succeeded and not result.stopped:
        await watch.explain()
    return result
