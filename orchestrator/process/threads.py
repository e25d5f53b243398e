"""The daemon's own threads: plugins that fill theirs (anyio's default limiter) can't take them."""

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple, Unpack

import trio

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")

MOST = 16

_limiter: trio.lowlevel.RunVar[trio.CapacityLimiter] = trio.lowlevel.RunVar("daemon threads")


async def in_thread(work: Callable[[Unpack[Arguments]], T], *arguments: *Arguments) -> T:
    """Call something that blocks for a moment. A cancellation waits for it to return."""
    try:
        limiter = _limiter.get()
    except LookupError:
        limiter = trio.CapacityLimiter(MOST)
        _limiter.set(limiter)
    return await trio.to_thread.run_sync(work, *arguments, limiter=limiter)
