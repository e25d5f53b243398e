"""The named moments at which a daemon is killed while terraform deploys and destroys.

One release goes through nearly all of them, one after the other, the next is cancelled. The server
of the state holds a request back, a file holds what is being made, the daemon itself stands still.
"""

from collections.abc import Callable
from pathlib import Path

from tests.e2e.e2e_bench import Installation, insisting, until
from tests.e2e.freezing import freeze, step_until
from tests.e2e.kill_bench import KillBench
from tests.e2e.kill_windows import Window, ready_pids, window_of_start
from tests.testbed.terraform.http_state import Request, StateServer

TRIES = 30
ENVIRONMENT = "staging"


class TerraformPoints:
    """In the order in which a release meets them; the daemon is up before each. What holds it at
    the next is put there while no daemon lives."""

    def __init__(self, bench: KillBench, server: StateServer) -> None:
        self.bench = bench
        self.server = server
        self.jobs: list[int] = []
        """Deploys, by the number of their release."""

    @property
    def all(self) -> dict[str, Callable[[], None]]:
        """Every moment by its name."""
        return {
            "init reads the state": self.preparing,
            "plan asks for the lock": self.planning,
            "plan's end on disk, not in the journal": self.planned,
            "apply makes something": self.applying,
            "the same, and the next daemon has the state": self.opened,
            "the same, and the next daemon's start is in the journal": self.starting,
            "apply saves the state": self.saving,
            "apply's end on disk, not in the journal": self.ended,
            "outputs are read": self.reading_outputs,
            "end in the journal, the lock is looked at": self.looking,
            "owed destroy asks for the lock": self.owed,
            "owed destroy saves the state": self.destroying,
            "stop delivered, the state is saved": self.stopped,
        }

    @property
    def installation(self) -> Installation:
        return self.bench.installation

    @property
    def job(self) -> int:
        """The deploy of the last release."""
        return self.jobs[-1]

    @property
    def hold(self) -> Path:
        """As long as this file exists, what is being made is not done."""
        return self.installation.directory / "infra" / "hold"

    def deploy(self) -> int:
        """Submit the next release."""
        release = f"r{len(self.jobs)}"
        self.jobs.append(self.bench.submit("web", ENVIRONMENT, release=release))
        return self.job

    def release_of(self, job: int) -> str:
        """The name of what a deploy makes."""
        return f"r{self.jobs.index(job)}"

    # --- up to the apply -------------------------------------------------------------------

    def preparing(self) -> None:
        self.hold.touch()
        self.server.hold_back(_reads)
        self.deploy()
        self._until_held()
        self.bench.die_in(Window.STARTED)
        self.server.hold_back(_locks_for_plan)

    def planning(self) -> None:
        self._until_held()
        self._die_beside(Window.AT_WORK)

    def planned(self) -> None:
        self.bench.until(Window.AT_WORK, self.job)
        freeze(self.installation.pid)
        self.server.let_go()
        self.bench.until(Window.ON_DISK, self.job)
        self.bench.die_in(Window.ON_DISK)

    # --- the apply -------------------------------------------------------------------------

    def applying(self) -> None:
        self._until_made()
        self._die_beside(Window.AT_WORK)

    def opened(self) -> None:
        self._die_while_starting(Window.OPENED)

    def starting(self) -> None:
        self._die_while_starting(Window.STARTING)

    def saving(self) -> None:
        self.server.hold_back(_saves)
        self.hold.unlink()
        self._until_held()
        self._die_beside(Window.AT_WORK)

    def ended(self) -> None:
        freeze(self.installation.pid)
        self.server.hold_back(_reads)
        self.bench.until(Window.ON_DISK, self.job)
        self.bench.die_in(Window.ON_DISK)

    def reading_outputs(self) -> None:
        self._until_held()
        self.bench.die_in(Window.ON_DISK)
        self.server.let_go()

    def looking(self) -> None:
        self._again_and_again(self._is_killed_looking)
        self.server.hold_back(_locks_for_plan)

    def _is_killed_looking(self) -> bool:
        if not self.installation.running:
            self.installation.start()
        step_until("its end is in the journal", self.installation.pid, self._is_applied)
        return Window.APPLIED in self.bench.kill()

    def _is_applied(self) -> bool:
        journal = self.bench.journal.read()
        assert self.job not in journal.ended, "its cleanup was over before it was seen"
        return Window.APPLIED in journal.windows(self.job)

    # --- the destroy, and a stop -----------------------------------------------------------

    def owed(self) -> None:
        self._until_held()
        self._die_beside(Window.OWED)
        self.server.hold_back(_saves)

    def destroying(self) -> None:
        self._until_held()
        self._die_beside(Window.OWED)
        self.server.let_go()

    def stopped(self) -> None:
        self.installation.until_idle()
        self.hold.touch()
        job = self.deploy()
        self._until_made()
        self.server.hold_back(_saves)
        insisting(lambda: self.installation.client.post(f"/v1/jobs/{job}/cancel", {}))
        self._until_held()
        self.bench.die_in(Window.DELIVERED)
        self.server.let_go()
        self.hold.unlink()

    # --- the way there ---------------------------------------------------------------------

    def _until_held(self) -> None:
        until("terraform waits for the server", lambda: self.server.holds_back)

    def _until_made(self) -> None:
        ran = self.installation.directory / "infra" / "ran"
        release = self.release_of(self.job)
        until("it is being made", lambda: ran.exists() and release in ran.read_text().split())

    def _die_beside(self, window: Window) -> None:
        """The next daemon finds the same terraform at work."""
        before = until("its pid is told", lambda: at_work(self.installation))
        self.bench.die_in(window)
        self.installation.start()
        after = until("a pid is told again", lambda: at_work(self.installation))
        assert after == before, "another terraform is at work"

    def _again_and_again(self, is_reached: Callable[[], bool]) -> None:
        assert any(is_reached() for _ in range(TRIES)), f"{TRIES} times too late"

    def _die_while_starting(self, window: Window) -> None:
        self.bench.kill()
        self._again_and_again(lambda: self._is_killed_starting(window))

    def _is_killed_starting(self, window: Window) -> bool:
        self.installation.launch()
        pid = self.installation.pid
        step_until("the next daemon begins", pid, lambda: self._is_there(window))
        return window in self.bench.kill()

    def _is_there(self, window: Window) -> bool:
        """Or ready, which is too late."""
        pid, log = self.installation.pid, self.installation.log
        return window_of_start(self.bench.journal, pid, log) is window or pid in ready_pids(log)


def at_work(installation: Installation) -> set[int]:
    """The pids that the daemon tells."""
    running = insisting(lambda: installation.client.get("/v1/status"))["running"]
    return {step["pid"] for job in running for step in job["steps"] if step["pid"]}


def _locks_for_plan(request: Request) -> bool:
    return request.method == "LOCK" and b"OperationTypePlan" in request.body


def _reads(request: Request) -> bool:
    return request.method == "GET"


def _saves(request: Request) -> bool:
    return request.method == "POST"
