"""The adapter on real steps and real processes, with terraform and its state on loopback.

Run as a program it is a daemon that leads one apply: `terraform_bench.py STATE_DIR SETTINGS`.
"""

import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import trio
from orchestrator_terraform.adapter import TerraformAdapter
from orchestrator_terraform.settings import TerraformSettings

from orchestrator.core.language.model import ProcessRecord
from orchestrator.engine.attempt.step import DurableStep
from orchestrator.plugin import Cleanliness, Result
from orchestrator.process.identity import read_boot_id
from tests.engine.step_bench import STOP, RecordingJournal, StepBench, open_step_bench
from tests.testbed.terraform.http_state import Request, StateServer

STATE = "name"
MODULE = """
terraform {
  backend "http" {}
}
variable "n" { default = 1 }
variable "command" { default = "true" }
variable "password" {
  default   = "hunter2"
  sensitive = true
}
resource "terraform_data" "a" {
  input = var.n
  triggers_replace = var.n
  provisioner "local-exec" { command = var.command }
}
output "n" { value = terraform_data.a.output }
output "both" { value = { list = [1, 2], text = "x" } }
output "password" {
  value     = var.password
  sensitive = true
}
"""


class TerraformBench:
    """One pipeline's source with a root module in `infra`, and the attempts that use it."""

    def __init__(self, steps: StepBench, server: StateServer) -> None:
        self.adapter = TerraformAdapter()
        self.steps = steps
        self.server = server
        self.infra = steps.paths().workdir / "infra"

    def write_module(self, text: str = MODULE) -> None:
        """Put `main.tf` in place."""
        self.infra.mkdir(parents=True, exist_ok=True)
        (self.infra / "main.tf").write_text(text)

    def settings(self, action: str, **more: Any) -> TerraformSettings:
        """Settings as a file would give them."""
        address = self.server.url(STATE)
        backend = {f"{name}address": address for name in ("", "lock_", "unlock_")}
        table = {"action": action, "dir": "infra", "backend_config": backend, **more}
        return msgspec.convert(table, TerraformSettings)

    def begin(self, settings: TerraformSettings, attempt: int = 1) -> "Life":
        """Another attempt, of which nothing is journalled yet."""
        self.steps.journal = RecordingJournal()
        return Life(self, settings, attempt)

    def reenter(self, settings: TerraformSettings, attempt: int = 1) -> "Life":
        """The attempt as a daemon finds it that started after another was killed."""
        for directory in self.steps.paths(attempt).processes.iterdir():
            phase, _, key = directory.name.partition("-")
            record = ProcessRecord(phase=phase, key=key, boot_id=read_boot_id())
            self.steps.journal.records[phase, key] = record
        return Life(self, settings, attempt)

    def requests(self, method: str) -> list[Request]:
        """What the state's server was asked by this method."""
        return [request for request in self.server.requests if request.method == method]

    async def requested(self, method: str, count: int = 1) -> None:
        """Return when the server has been asked that often by this method."""
        arrived = await trio.to_thread.run_sync(
            self.server.wait_for,
            lambda _: len(self.requests(method)) >= count,
            abandon_on_cancel=True,
        )
        assert arrived, f"no {method}"

    @property
    def lock(self) -> dict[str, Any] | None:
        """The lock on the state, as its server has it."""
        return self.server.locks.get(f"/{STATE}")

    @property
    def state(self) -> dict[str, Any]:
        """The state, as its server has it."""
        state: dict[str, Any] = json.loads(self.server.states[f"/{STATE}"])
        return state


class Life:
    """One attempt, led through its phases as the engine does."""

    def __init__(self, bench: TerraformBench, settings: TerraformSettings, attempt: int) -> None:
        self.bench = bench
        self.attempt = attempt
        self.journal = bench.steps.journal
        self.step: DurableStep[Any] = bench.steps.step("acquire", settings, attempt)
        self.adapter = bench.adapter

    async def acquire(self) -> None:
        """The adapter's acquire."""
        await self.adapter.acquire(self.step)

    async def apply(self) -> Result:
        """The adapter's apply."""
        self.step = self.step.in_phase("apply")
        return await self.adapter.apply(self.step)

    async def stop(self) -> None:
        """Somebody asks for a graceful stop of the apply."""
        self.journal.stop = STOP
        await self.adapter.cancel(self.step.in_phase("cancel"))

    async def cleanup(self) -> Cleanliness:
        """The adapter's cleanup."""
        self.step = self.step.in_phase("cleanup")
        return await self.adapter.cleanup(self.step)

    async def whole(self) -> Result:
        """A life that nobody disturbs; it must end clean."""
        await self.acquire()
        result = await self.apply()
        verdict = await self.cleanup()
        assert verdict.clean, verdict
        return result

    def log(self) -> str:
        """What people read."""
        return self.bench.steps.log(self.attempt)

    def stdout(self, key: str) -> str:
        """What terraform wrote in the apply's process `key`."""
        path = self.step.in_phase("apply").output_of(key)
        return path.read_text() if path is not None and path.exists() else ""

    async def learned(self) -> str:
        """The ID of the state's lock, as soon as the attempt has claimed it."""
        while (lock_id := await self._claimed()) is None:  # noqa: ASYNC110  files tell no event
            await trio.sleep(0.02)
        return lock_id

    async def _claimed(self) -> str | None:
        held = self.bench.lock
        if held is None or not await self.step.claims(f"terraform state lock {held['ID']}"):
            return None
        return str(held["ID"])


async def until(condition: Callable[[], object]) -> None:
    """Return when the condition holds."""
    with trio.fail_after(60):
        while not condition():  # noqa: ASYNC110  files tell no event
            await trio.sleep(0.02)


async def start_daemon(state_dir: Path, settings: TerraformSettings) -> trio.Process:
    """Another process that leads the first attempt's apply."""
    given = msgspec.json.encode(settings).decode()
    path = os.pathsep.join(sys.path)
    command = [sys.executable, __file__, str(state_dir), given]
    return await trio.lowlevel.open_process(command, env={**os.environ, "PYTHONPATH": path})


@asynccontextmanager
async def open_terraform_bench(root: Path) -> AsyncIterator[TerraformBench]:
    """A bench; whatever it leaves running is killed after it."""
    with StateServer() as server:
        async with open_step_bench(root) as steps:
            bench = TerraformBench(steps, server)
            bench.write_module()
            yield bench


async def _lead_an_apply(state_dir: Path, settings: TerraformSettings) -> None:
    step = StepBench(state_dir).step("apply", settings)
    await TerraformAdapter().apply(step)


if __name__ == "__main__":
    given = msgspec.json.decode(sys.argv[2], type=TerraformSettings)
    trio.run(_lead_an_apply, Path(sys.argv[1]), given)
