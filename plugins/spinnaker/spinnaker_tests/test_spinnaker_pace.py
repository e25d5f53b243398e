"""How often something is looked at."""

import time

import anyio
from orchestrator_spinnaker.pace import NEAR_END, SHORTEST, Pace


def test_fast_at_first_then_slow() -> None:
    """It is fast at the start and slow between."""
    pace = Pace(10)
    pauses = [pace.next(changed=False) for _ in range(100)]
    assert pauses[:5] == [SHORTEST] * 5
    assert pauses == sorted(pauses)
    assert pauses[-1] == 10


def test_how_late_a_change_is_seen() -> None:
    """A change is seen late by a tenth of the time before it at most."""
    pace = Pace(1000)
    elapsed = 0.0
    for _ in range(60):
        pause = pace.next(changed=False)
        assert pause <= max(SHORTEST, elapsed / 10 * 1.001)
        elapsed += pause


def test_a_change_makes_it_fast_again() -> None:
    pace = Pace(10)
    for _ in range(100):
        pace.next(changed=False)
    assert pace.next(changed=True) == SHORTEST


def test_near_the_end_it_is_fast() -> None:
    pace = Pace(60)
    for _ in range(100):
        pace.next(changed=False)
    assert pace.next(changed=False, near_end=True) == NEAR_END


def test_it_never_pauses_longer_than_it_may() -> None:
    pace = Pace(0.2)
    assert {pace.next(changed=False) for _ in range(100)} == {0.2}


async def test_a_hurry_ends_a_pause_early() -> None:
    hurried = False
    pace = Pace(60, lambda: hurried)
    for _ in range(200):
        pace.next(changed=False)
    began = time.monotonic()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: pace.pause(changed=False))
        await anyio.wait_all_tasks_blocked()
        hurried = True
    assert time.monotonic() - began < 30
    assert pace.next(changed=False) == NEAR_END
