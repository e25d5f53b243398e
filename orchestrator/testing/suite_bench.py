"""An adapter at work under a real daemon, which may be killed and started again."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from orchestrator.cli.client.daemon import AWAY, Daemon
from orchestrator.cli.client.errors import Refused, WaitTimedOut
from orchestrator.cli.staying.watch import changes, open_watch
from orchestrator.plugin import Adapter
from orchestrator.testing.daemon_process import (
    DaemonDidNotStart,
    DaemonProcess,
    Launch,
    launch_program,
)
from orchestrator.testing.suite_daemon import (
    STEP,
    Check,
    Orders,
    Origin,
    Serve,
    Verdicts,
    Verify,
)
from orchestrator.testing.suite_fate import NO_FATE, Fate
from orchestrator.testing.suite_material import Material, Settings
from orchestrator.testing.suite_pipeline import pipeline

Value = TypeVar("Value")

ENVIRONMENT = "here"
PATIENCE = 60.0
"""Seconds in which what a test waits for must come about."""
SUITE_PROGRAM = "orchestrator.testing.suite_daemon"
WATCHED_SECONDS = 0.3
MOST_LIVES = 60
"""Daemons in which one job must come to its end, each living for one commit at least."""


class AdapterBench:
    """One adapter, its material, and the daemons that lead its steps, one after another."""

    def __init__(
        self,
        adapter: type[Adapter[Any]],
        material: Material,
        process: DaemonProcess,
        patience: float = PATIENCE,
    ) -> None:
        self.adapter = adapter
        self.material = material
        self.process = process
        self.patience = patience
        self._fate = NO_FATE
        self._lives = 0
        self._client = Daemon(str(process.socket))

    # --- daemons -----------------------------------------------------------------------------

    def configure(self, settings: Settings, *, timeout: str = "") -> None:
        """One pipeline, with one step that has these settings."""
        self.process.write(
            {
                f"environments/{ENVIRONMENT}.toml": "",
                "pipelines/it.toml": pipeline(self.adapter.name, settings, self.material, timeout),
            }
        )

    def start(self, fate: Fate = NO_FATE) -> None:
        """Start a daemon on what is there. Those that follow it have the same fate."""
        self._fate = fate
        self._lives = 0
        self._start()

    def _start(self) -> None:
        while True:
            self._lives += 1
            assert self._lives <= MOST_LIVES, f"the job does not get on\n{self._said()}"
            try:
                self.process.start(self._orders(Serve(self._fate)))
            except DaemonDidNotStart as error:
                if error.status != -signal.SIGKILL or self._fate == NO_FATE:
                    raise
            else:
                return

    def begin(self, settings: Settings, fate: Fate = NO_FATE, *, timeout: str = "") -> int:
        """A daemon, and one job of a step with these settings."""
        self.configure(settings, timeout=timeout)
        self.start(fate)
        return self.submit()

    def restart(self, fate: Fate = NO_FATE) -> None:
        """Kill the daemon and start another."""
        self.process.kill()
        self.start(fate)

    def verify(self, job: int, times: int = 2) -> Verdicts:
        """Stop the daemon and run the cleanup of a finished step again."""
        return self._ask(Verify(job, times))

    def check(self, job: int, times: int = 2) -> Verdicts:
        """Stop the daemon and run the check of a queued job's step."""
        return self._ask(Check(job, times))

    def _ask(self, task: Verify | Check) -> Verdicts:
        self.process.stop()
        answers = self.process.root / "verdicts.json"
        self.process.launch(self._orders(task), str(answers))
        status = self.process.wait()
        assert status == 0, f"{type(task).__name__} failed\n{self._said()}"
        return msgspec.json.decode(answers.read_bytes(), type=Verdicts)

    def _orders(self, task: Serve | Verify | Check) -> str:
        return msgspec.json.encode(Orders(Origin.of(self.adapter), task)).decode()

    # --- requests ----------------------------------------------------------------------------

    def submit(self, key: str = "the only one") -> int:
        """Queue the job; with the same key always the same."""
        body = {"pipeline": "it", "environment": ENVIRONMENT}
        job: int = self.through(lambda: self._client.post("/v1/jobs", body, key))["id"]
        return job

    def cancel(self, job: int, *, force: bool = False) -> None:
        """Ask the job to stop. One that has ended already is left alone."""
        try:
            self.post(f"/v1/jobs/{job}/{'force-cancel' if force else 'cancel'}")
        except Refused as refused:
            if refused.status != HTTPStatus.CONFLICT:
                raise

    def post(self, path: str) -> Any:
        """Any other request."""
        return self.through(lambda: self._client.post(path, {}))

    def recheck(self) -> None:
        """Have the environment looked at again, and wait for what that finds."""
        before = self._rechecked()
        self.post(f"/v1/environments/{ENVIRONMENT}/recheck")
        self.until("the recheck ends", lambda: self._rechecked() > before)

    def _rechecked(self) -> int:
        with self._client.stream("/v1/events") as events:
            return events.document().splitlines().count(b"event: rechecked")

    def job(self, job: int) -> dict[str, Any]:
        """The job as the daemon tells it."""
        found: dict[str, Any] = self.through(lambda: self._client.get(f"/v1/jobs/{job}"))
        return found

    def step(self, job: int) -> dict[str, Any]:
        """Its only step."""
        found: dict[str, Any] = self.job(job)["steps"][0]
        return found

    def environment(self) -> dict[str, Any]:
        """Where it runs."""
        path = f"/v1/environments/{ENVIRONMENT}"
        found: dict[str, Any] = self.through(lambda: self._client.get(path))
        return found

    def log(self, job: int) -> str:
        """The log of the step's first attempt."""
        path = self.process.state / "jobs" / str(job) / "steps" / STEP / "1" / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def through(self, request: Callable[[], Value]) -> Value:
        """Ask until it is answered; a daemon that its fate has ended is followed by another."""
        end = time.monotonic() + self.patience
        while True:
            try:
                return request()
            except AWAY as error:
                if time.monotonic() > end:
                    raise AssertionError(f"no answer\n{self._said()}") from error
                if self.process.running:
                    time.sleep(0.01)
                else:
                    self._start()

    def _said(self) -> str:
        return f"the daemon said:\n{self.process.log_tail()}"

    def _answer_questions(self) -> None:
        """Say what the material's people say; a question that is gone by then is left alone."""
        if not self.material.asks:
            return
        asked = self.through(lambda: self._client.get("/v1/approvals"))["approvals"]
        for answer in asked:
            said = self.material.answer(answer["job"], answer["message"])
            if said is not None:
                self._answer(f"/v1/jobs/{answer['job']}/{'approve' if said else 'reject'}")

    def _answer(self, path: str) -> None:
        try:
            self.post(path)
        except Refused as refused:
            if refused.status != HTTPStatus.CONFLICT:
                raise

    # --- waiting -----------------------------------------------------------------------------

    def until(self, what: str, holds: Callable[[], Value]) -> Value:
        """Return what `holds` gives as soon as that is something."""
        end = time.monotonic() + self.patience
        while not (found := holds()):
            self._answer_questions()
            if time.monotonic() > end:
                raise AssertionError(self._not_within(what))
            time.sleep(0.02)
        return found

    def _not_within(self, what: str) -> str:
        return f"{what}: not within {self.patience:g} s\n{self._said()}"

    def until_at_work(self) -> None:
        """Return when the tool has begun its work."""
        self.until("the tool begins its work", self.material.runs)

    def until_phase(self, job: int, *phases: str) -> None:
        """Return when the step is in one of the phases."""
        self.watched(
            job,
            f"the step is {' or '.join(phases)}",
            lambda seen: bool(seen["steps"]) and seen["steps"][0]["phase"] in phases,
        )

    def watch(self) -> None:
        """Give an adapter time to do what it must not do; a sound one does nothing meanwhile."""
        time.sleep(WATCHED_SECONDS)

    def finished(self, job: int) -> dict[str, Any]:
        """The job, as soon as it has ended."""
        return self.watched(job, f"job {job} ends", lambda seen: seen["phase"] == "finished")

    def watched(
        self, job: int, what: str, holds: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:
        """The job as soon as this holds of it: the daemon tells each change that it commits."""
        if self.material.asks:  # whoever answers is to be asked again and again
            self.until(what, lambda: holds(self.job(job)))
            return self.job(job)
        end = time.monotonic() + self.patience
        try:
            while time.monotonic() < end:
                with suppress(*AWAY):
                    for seen in self._changes(job, end):
                        if holds(seen):
                            return seen
        except WaitTimedOut:
            pass
        raise AssertionError(self._not_within(what))

    def _changes(self, job: int, end: float) -> Iterator[dict[str, Any]]:
        with self.through(lambda: open_watch(self._client, job, attend=False)) as exchange:
            for seen in changes(exchange, job, end):
                yield dict(seen)


@contextmanager
def open_adapter_bench(
    root: Path,
    adapter: type[Adapter[Any]],
    make: Callable[[Path], Material],
    patience: float = PATIENCE,
    launch: Launch = launch_program,
) -> Iterator[AdapterBench]:
    """A bench in a directory; nothing that was started there survives it."""
    place = root / "material"
    place.mkdir()
    material = make(place)
    try:
        with DaemonProcess(root, program=SUITE_PROGRAM, launch=launch) as process:
            yield AdapterBench(adapter, material, process, patience)
    finally:
        material.close()
