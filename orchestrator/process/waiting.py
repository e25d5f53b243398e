"""Waiting for kernel objects under trio: pidfds and FIFOs, never a timer."""

import contextlib
import os
import select
from collections.abc import Iterable

import trio

from orchestrator.process import identity


async def wait_readable(*descriptors: int) -> None:
    """Until one of them is readable or closed at its other end."""
    with select.epoll() as any_of_them:
        for descriptor in descriptors:
            any_of_them.register(descriptor, select.EPOLLIN)
        await trio.lowlevel.wait_readable(any_of_them.fileno())


async def wait_for_ends(processes: Iterable[tuple[int, int]]) -> None:
    """Until all of these processes, named by pid and start time, have ended."""
    with contextlib.ExitStack() as closing:
        descriptors = []
        for pid, start_time in processes:
            descriptor = identity.open_pidfd(pid, start_time)
            if descriptor is not None:
                closing.callback(os.close, descriptor)
                descriptors.append(descriptor)
        for descriptor in descriptors:
            await trio.lowlevel.wait_readable(descriptor)
