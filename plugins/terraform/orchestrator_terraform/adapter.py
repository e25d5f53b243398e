"""The adapter: what each phase does."""

from collections.abc import Sequence
from pathlib import Path

import anyio.to_thread
import msgspec

from orchestrator.plugin import (
    CLEAN,
    Adapter,
    AdapterError,
    Cleanliness,
    Outcome,
    OutcomeRule,
    Problem,
    Result,
    Step,
    Traits,
)
from orchestrator_terraform import check, commands, leftovers, lock_keeping, workspace
from orchestrator_terraform.commands import Layout
from orchestrator_terraform.endings import APPLY_KEY, PLAN_KEY
from orchestrator_terraform.events import plain
from orchestrator_terraform.follow import run_followed
from orchestrator_terraform.results import CHANGES, apply_result, plan_result, read_outputs
from orchestrator_terraform.settings import Action, TerraformSettings

VALIDATE_KEY = "validate"
PLAN_OUTCOMES = (
    OutcomeRule("exit 0", Outcome.CONTINUE),
    OutcomeRule("exit 2", Outcome.CONTINUE),
)


class TerraformAdapter(Adapter[TerraformSettings]):
    """`uses = "terraform"`. A stop is one SIGINT to terraform's pid, and then patience."""

    name = "terraform"
    config_type = TerraformSettings

    def traits(self, config: TerraformSettings) -> Traits:
        """Never forced by itself: terraform may need minutes to save its state."""
        outcomes = PLAN_OUTCOMES if config.action is Action.PLAN else ()
        return Traits(touches=config.action.touches, grace=None, outcomes=outcomes)

    async def check(self, step: Step[TerraformSettings]) -> Sequence[Problem]:
        """Binary and version, directory, plan and variable files."""
        return await check.problems(step, workspace.layout(step))

    async def acquire(self, step: Step[TerraformSettings]) -> None:
        """`init`, the workspace, and a free state lock. All by probes: nothing is owed yet."""
        at = workspace.layout(step)
        await workspace.prepare(step, at)
        if step.config.action.uses_state:
            await lock_keeping.wait_until_free(step, at)

    async def apply(self, step: Step[TerraformSettings]) -> Result:
        """Plan, apply that plan, tell the outputs."""
        at = workspace.layout(step)
        match step.config.action:
            case Action.VALIDATE:
                ended = await step.run(VALIDATE_KEY, commands.validate(at), env=at.environment())
                return Result.of(ended, summary="valid" if ended.ok else "not valid: see the log")
            case Action.PLAN:
                return await self._plan(step, at)
            case Action.APPLY if step.config.plan is not None:
                return await self._apply(step, at, at.in_dir(step.config.plan))
            case Action.APPLY | Action.DESTROY:
                planned = await self._plan(step, at)
                if planned.exit != CHANGES:
                    return await self._without_changes(step, at, planned)
                return await self._apply(step, at, at.plan)

    async def cleanup(self, step: Step[TerraformSettings]) -> Cleanliness:
        """End what local-exec left, rescue an unsaved state, release and look at the lock."""
        await step.sweep()
        at = workspace.layout(step)
        found = CLEAN
        if step.config.action.uses_state and at.ready.exists():
            found = await leftovers.find(step, at)
        if found.clean:
            keep = step.config.action is Action.PLAN
            await anyio.to_thread.run_sync(lambda: workspace.tidy(at, keep_plan=keep))
        return found

    async def _plan(self, step: Step[TerraformSettings], at: Layout) -> Result:
        """Make the plan and keep it, for people too."""
        argv = commands.plan(at, step.config)
        ended, counted = await run_followed(step, at, PLAN_KEY, argv)
        result = plan_result(ended, counted, stopping=step.stop is not None)
        if not result.succeeded:
            return result
        await self._keep_readable(step, at)
        outputs = {
            "plan": str(at.plan),
            "plan_text": str(at.readable),
            "changes": ended.code == CHANGES,
        }
        return msgspec.structs.replace(result, outputs=outputs)

    async def _keep_readable(self, step: Step[TerraformSettings], at: Layout) -> None:
        if at.readable.exists():
            return
        try:
            done = await workspace.short(step, at, commands.show(at, at.plan))
        except AdapterError as error:
            step.warn(f"the plan could not be made readable: {error}")
            return
        text = plain(done.stdout or done.stderr).strip()
        step.log(text)
        content = f"{step.masked(text)}\n".encode()
        await anyio.to_thread.run_sync(workspace.write_private, at.readable, content)

    async def _apply(self, step: Step[TerraformSettings], at: Layout, plan: Path) -> Result:
        argv = commands.apply(at, step.config, plan)
        ended, counted = await run_followed(step, at, APPLY_KEY, argv)
        result = apply_result(ended, counted, stopping=step.stop is not None)
        return await self._with_outputs(step, at, result) if result.succeeded else result

    async def _without_changes(
        self, step: Step[TerraformSettings], at: Layout, planned: Result
    ) -> Result:
        """The plan failed, or there was nothing to do: then the outputs stand as they are."""
        result = msgspec.structs.replace(planned, outputs={})
        return await self._with_outputs(step, at, result) if planned.succeeded else result

    async def _with_outputs(
        self, step: Step[TerraformSettings], at: Layout, result: Result
    ) -> Result:
        if step.config.action is Action.DESTROY:
            return result
        try:
            done = await workspace.short(step, at, commands.outputs(at))
            outputs = read_outputs(done)
        except AdapterError as error:  # what was applied is applied
            step.warn(f"the outputs could not be read: {error}")
            return result
        return msgspec.structs.replace(
            result,
            outputs={name: output.value for name, output in outputs.items()},
            sensitive=tuple(name for name, output in outputs.items() if output.sensitive),
        )
