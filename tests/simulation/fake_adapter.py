"""An adapter that does what its settings say, well or badly: for tests of what drives adapters."""

from collections.abc import Awaitable, Callable
from typing import Literal, assert_never

import anyio
import msgspec

from orchestrator.plugin import (
    CLEAN,
    Adapter,
    AdapterError,
    Cleanliness,
    Exit,
    NotDone,
    Question,
    Result,
    Step,
    Traits,
)

Doing = Literal[
    "run",
    "run_uninterruptible",
    "once",
    "once_unknown",
    "wait",
    "claim",
    "ask",
    "output",
    "warn",
    "sweep",
    "look",
    "error",
    "raise",
    "exit",
    "rubbish",
    "stubborn",
]
"""One thing that a phase does, in the order in which they stand.

`run` a process under the key `run-N` (N is its place), with `stop_signal` or without; call `once`
with a `recover` or without; `wait` until nobody else has claimed the resource; `claim` it; `ask`
people, whose no fails the step; set an `output`; `warn`; `sweep`; `look` whether a process of
apply failed, and report dirty if one did; fail with an AdapterError; `raise` another exception;
`exit` the interpreter; return `rubbish`; take no notice of a cancellation for `stubborn_for`
seconds.
"""


class FakeConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What each phase does. `cancel` of None interrupts, as adapters do by default.

    `ask` needs so many `approvals` within `answer_within` seconds (None: whenever they come).
    """

    acquire: tuple[Doing, ...] = ()
    apply: tuple[Doing, ...] = ("run",)
    cancel: tuple[Doing, ...] | None = None
    cleanup: tuple[Doing, ...] = ("sweep",)
    resource: str = "resource"
    stubborn_for: float = 20.0
    stop_signal: int = 15
    approvals: int = 1
    answer_within: float | None = None


class FakeService:
    """Something outside that `once` calls; it remembers them. Override `call` to make it fail."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def call(self, name: str) -> int:
        """Take effect; the number of the call."""
        await anyio.lowlevel.checkpoint()
        self.calls.append(name)
        return len(self.calls)

    async def find(self, name: str) -> int | None:
        """The number of the call that took effect under this name."""
        await anyio.lowlevel.checkpoint()
        return self.calls.index(name) + 1 if name in self.calls else None


class FakeAdapter(Adapter[FakeConfig]):
    """`uses = "fake"`. Its processes are `fake-tool PHASE KEY`."""

    name = "fake"
    config_type = FakeConfig

    def __init__(self, service: FakeService | None = None) -> None:
        self._service = service or FakeService()

    def traits(self, config: FakeConfig) -> Traits:
        """As if it changed the environment by a tool on this host."""
        return Traits()

    async def acquire(self, step: Step[FakeConfig]) -> None:
        """What `acquire` says."""
        await self._do_all(step, "acquire", step.config.acquire)

    async def apply(self, step: Step[FakeConfig]) -> Result:
        """What `apply` says; the first process that fails ends it."""
        done = await self._do_all(step, "apply", step.config.apply)
        if "rubbish" in step.config.apply:
            return "rubbish"  # type: ignore[return-value]
        failed = next((ended for ended in done if not ended.ok), None)
        return Result(exit=0) if failed is None else Result.of(failed)

    async def cancel(self, step: Step[FakeConfig]) -> None:
        """What `cancel` says, and the signal."""
        if step.config.cancel is not None:
            await self._do_all(step, "cancel", step.config.cancel)
        await step.interrupt()

    async def cleanup(self, step: Step[FakeConfig]) -> Cleanliness:
        """What `cleanup` says; dirty if a process of it failed."""
        done = await self._do_all(step, "cleanup", step.config.cleanup)
        if "rubbish" in step.config.cleanup:
            return "rubbish"  # type: ignore[return-value]
        if not all(ended.ok for ended in done):
            return Cleanliness("its cleanup failed", ("fix it",))
        return _look(step) if "look" in step.config.cleanup else CLEAN

    async def _do_all(
        self, step: Step[FakeConfig], phase: str, doings: tuple[Doing, ...]
    ) -> list[Exit]:
        """Do them in their order, up to the first process that fails; how its processes ended."""
        ended: list[Exit] = []
        for place, doing in enumerate(doings):
            key = f"run-{place}"
            argv = ["fake-tool", phase, key]
            match doing:
                case "run":
                    ended.append(await step.run(key, argv, stop_signal=step.config.stop_signal))
                case "run_uninterruptible":
                    ended.append(await step.run(key, argv, stop_signal=None))
                case _:
                    await self._do(step, f"{phase}-{place}", doing)
            if ended and not ended[-1].ok:
                break
        return ended

    async def _do(self, step: Step[FakeConfig], key: str, doing: Doing) -> None:
        match doing:
            case "once" | "once_unknown":
                await self._call_once(step, key, recoverable=doing == "once")
            case "wait" | "claim" | "ask":
                await _meet_others(step, key, doing)
            case "output":
                step.output(key, f"value of {key}")
                step.output(f"{key}-secret", "hidden", sensitive=True)
            case "warn":
                step.warn(f"warned by {key}")
            case "sweep":
                await step.sweep()
            case "error":
                raise AdapterError(f"{key}: it can't be done")
            case "raise":
                raise ValueError(f"{key}: a mistake in the adapter")
            case "exit":
                raise SystemExit(3)
            case "stubborn":
                await _ignore_cancellation(step.config.stubborn_for)
            case "look" | "rubbish" | "run" | "run_uninterruptible":
                pass
            case _:
                assert_never(doing)

    async def _call_once(self, step: Step[FakeConfig], key: str, *, recoverable: bool) -> None:
        name = f"{step.job.id}-{step.name}-{step.attempt}-{key}"

        async def call() -> int:
            return await self._service.call(name)

        async def recover() -> int | NotDone:
            found = await self._service.find(name)
            return NotDone() if found is None else found

        found: Callable[[], Awaitable[int | NotDone]] | None = recover if recoverable else None
        await step.once(key, call, recover=found)


def _look(step: Step[FakeConfig]) -> Cleanliness:
    for place in range(len(step.config.apply)):
        ended = step.recall("apply", f"run-{place}")
        if ended is not None and ended.signal is not None:
            return Cleanliness(f"run-{place} was killed by {ended.signal}", ("look at it",))
    return CLEAN


async def _meet_others(
    step: Step[FakeConfig], key: str, doing: Literal["wait", "claim", "ask"]
) -> None:
    match doing:
        case "wait":
            await _wait(step)
        case "claim":
            await step.claim(step.config.resource)
        case "ask":
            await _ask(step, key)
        case _:
            assert_never(doing)


async def _ask(step: Step[FakeConfig], key: str) -> None:
    count, expires = step.config.approvals, step.config.answer_within
    answer = await step.ask(key, Question(f"{key}?", count=count, expires=expires))
    if not answer.approved:
        raise AdapterError(f"{key}: {answer.by or 'nobody'} said no")


async def _wait(step: Step[FakeConfig]) -> None:
    """Until every other attempt that claimed the resource is dead."""
    mine = (step.job.id, step.name, step.attempt)
    while True:
        claims = await step.claims(step.config.resource)
        living = [c for c in claims if not c.dead and (c.job, c.step, c.attempt) != mine]
        await step.waiting_for(f"job {living[0].job}" if living else None)
        if not living:
            return
        await anyio.sleep(1.0)


async def _ignore_cancellation(seconds: float) -> None:
    with anyio.CancelScope(shield=True):
        await anyio.sleep(seconds)
