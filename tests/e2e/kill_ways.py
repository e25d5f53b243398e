"""How a daemon is led to where it is to be killed."""

from collections.abc import Callable
from itertools import cycle

from orchestrator.process import state
from tests.e2e.e2e_bench import until
from tests.e2e.freezing import step_until, thaw
from tests.e2e.kill_bench import KillBench, has_order
from tests.e2e.kill_windows import Attempt, Window, ready_pids, window_of_start

PLACES = ("west", "up", "down")
"""Environments of their own, so that one moment need not wait for what another left."""
TRIES = 30
"""So often a window is stepped for. A busy host may carry the daemon across it, and one that stands
still in the midst of a commit has made it for the next one, and not for us."""
ENDLESS = "100000"
"""Lines of a tool that works until it is released: nothing may end by itself before it was seen."""
STOPS = (Window.STOPPING, Window.ASKED, Window.DELIVERED)


class KillWays:
    """What the moments of commands have in common."""

    def __init__(self, bench: KillBench) -> None:
        self.bench = bench
        self._places = cycle(PLACES)

    def place(self) -> str:
        """An environment in which little goes on."""
        return next(self._places)

    def keeper(self) -> int:
        """The pid of the daemon's keeper."""
        return self.bench.keeper(self.place())

    def supervisor(self, attempt: Attempt) -> int:
        """The pid of the supervisor of a tool."""
        claim = state.read_claim(self.bench.directory(attempt))
        assert claim is not None
        return claim.pid

    def until_in(self, window: Window, pipeline: str = "look", **params: str) -> Attempt:
        """A new job is there; the daemon goes on."""
        return self.bench.until(window, self.bench.submit(pipeline, self.place(), **params))

    def until_at_work(self, pipeline: str = "look", **params: str) -> Attempt:
        """A new job's tool is, until it is released or told to stop."""
        attempt = self.until_in(Window.AT_WORK, pipeline, **{"lines": ENDLESS} | params)
        self.bench.hold(attempt)
        return attempt

    def until_asked(self, lines: str = "5") -> Attempt:
        """A new job's process is intended, and the keeper, which stands still, was asked for it."""
        attempt = self.until_in(Window.INTENDED, lines=lines)
        until("the keeper is asked", lambda: has_order(self.bench.installation.pid))
        return attempt

    def stop_of(self, job: int) -> Window | None:
        """Where the stop of a job is."""
        found = self.bench.journal.read().windows(job)
        return next((window for window in STOPS if window in found), None)

    def step(self, holds: Callable[[], object]) -> None:
        """Let the daemon go on to where this holds; it stands still then."""
        step_until("the daemon gets there", self.bench.installation.pid, holds)

    def go_on(self) -> None:
        """It was too late there."""
        thaw(self.bench.installation.pid)

    def step_into(self, window: Window, pipeline: str = "look") -> None:
        """Kill in a window that nothing holds open."""
        self.again_and_again(lambda: self.is_killed_in(window, pipeline))

    def again_and_again(self, is_reached: Callable[[], bool]) -> None:
        """Until it is reached."""
        assert any(is_reached() for _ in range(TRIES)), f"{TRIES} times too late"

    def is_killed_in(
        self,
        window: Window,
        pipeline: str = "look",
        unless: Callable[[int], bool] = lambda pid: False,
    ) -> bool:
        """Kill there in the life of a new job, if that is seen there. `unless` says of the daemon
        that it is too late."""
        key, body = self.bench.request(pipeline, self.place(), lines="2")
        with self.bench.asking("/v1/jobs", body, key):
            job = self._step_through(key, window)
            self.bench.accepted.add(job)
            is_there = window in self.bench.journal.windows(job)
            if is_there and not unless(self.bench.installation.pid):
                return self.has_died_in(window)
            self.go_on()
        return False

    def has_died_in(self, window: Window) -> bool:
        """Kill; whether it was there, as it seemed. Else the next daemon is up."""
        hit = self.bench.kill()
        if window not in hit:
            self.bench.installation.start()
        return window in hit

    def _step_through(self, key: str, window: Window) -> int:
        """The job of this key when it is in the window, or has ended."""
        journal = self.bench.journal

        def is_there_or_over() -> bool:
            job = journal.read().keys.get(key)
            return job is not None and (window in journal.windows(job) or job in journal.ended)

        self.step(is_there_or_over)
        return journal.keys[key]

    def die_while_starting(self, window: Window) -> None:
        """Kill a daemon that is not ready yet."""
        self.again_and_again(lambda: self._is_killed_starting(window))

    def _is_killed_starting(self, window: Window) -> bool:
        self.bench.installation.launch()
        self._step_start(self.bench.installation.pid, window)
        return window in self.bench.kill()

    def _step_start(self, pid: int, window: Window) -> None:
        """Until it is in the window, or ready."""
        journal, log = self.bench.journal, self.bench.installation.log

        def is_there_or_ready() -> bool:
            return window_of_start(journal, pid, log) is window or pid in ready_pids(log)

        self.step(is_there_or_ready)
