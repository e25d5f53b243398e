"""How often something is looked at: often when it has just changed or is about to, else seldom."""

from collections.abc import Callable

import anyio

SHORTEST = 0.5
"""Seconds between two looks right after a change."""
NEAR_END = 2.0
"""Seconds between two looks, at most, while the end is awaited."""
SHARE = 0.1
"""Of the time for which nothing has changed: so late a change is seen."""


class Pace:
    """Pauses between looks at one thing, none longer than `longest` seconds.

    While `hurried()` says so, because a stop was asked, it looks as near the end; a pause that has
    begun ends early then.
    """

    def __init__(self, longest: float, hurried: Callable[[], bool] = lambda: False) -> None:
        self._longest = longest
        self._hurried = hurried
        self._still = 0.0

    def next(self, *, changed: bool, near_end: bool = False) -> float:
        """Seconds until the next look."""
        if changed:
            self._still = 0.0
        pause = max(SHORTEST, self._still * SHARE)
        if near_end or self._hurried():
            pause = min(pause, NEAR_END)
        pause = min(pause, self._longest)
        self._still += pause
        return pause

    async def pause(self, *, changed: bool, near_end: bool = False) -> None:
        """Wait until the next look. `changed`: whether the last one saw anything new."""
        left = self.next(changed=changed, near_end=near_end)
        calm = not self._hurried()
        while left > 0 and not (calm and self._hurried()):
            slice = min(left, SHORTEST)
            await anyio.sleep(slice)
            left -= slice
