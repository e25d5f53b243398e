"""The commits that the daemon would make, made up from the same rules without a daemon."""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.place import MEASURED
from orchestrator import config
from orchestrator.builtin import command as command_adapter
from orchestrator.core.decide import settle, take
from orchestrator.core.language import commands as cmd
from orchestrator.core.language.events import Stamped
from orchestrator.core.language.model import Acquiring, ProcessRecord, StepRef
from orchestrator.core.world.world import Changes, World
from orchestrator.engine.clock import SystemClock
from orchestrator.plugin import registry
from orchestrator.process.identity import read_boot_id

OWNER = cmd.Caller(uid=os.getuid(), user="bench", is_owner=True)


class Commit(msgspec.Struct, frozen=True):
    """What one transaction writes."""

    events: Sequence[Stamped]
    changes: Changes


class Script:
    """A world that nobody serves, configured by a directory."""

    def __init__(self, directory: Path) -> None:
        configuration = config.read(directory, registry.load([command_adapter]))
        digest = config.fingerprint(configuration)
        self._clock = SystemClock()
        self.world = World(self._clock.now())
        self.opening = self.commit(cmd.AcceptConfiguration(configuration, digest))

    def commit(self, *commands: cmd.Command) -> Commit:
        """The commit that a group of commands leads to."""
        now = self._clock.now()
        self.world.begin()
        events = [stamped for command in commands for stamped in take(self.world, command, now)]
        events += settle(self.world, now)
        changes = self.world.changes
        self.world.commit()
        return Commit(events=events, changes=changes)

    def submit(self, jobs: int, environment: str = MEASURED) -> Commit:
        """Queue jobs that run `true`."""
        submission = cmd.Submit(caller=OWNER, pipeline="true", environment=environment)
        return self.commit(*([submission] * jobs))

    def run_first(self) -> tuple[Commit, ...]:
        """The three commits of the job that runs; the last one also admits the next job."""
        running = next(self.world.running_jobs(MEASURED))
        ref = StepRef(job=running.id, step="apply", attempt=running.steps[0].attempt)
        record = ProcessRecord(phase="apply", key="run", boot_id=read_boot_id())
        intent: list[cmd.Command] = [cmd.IntendProcess(ref=ref, record=record)]
        if isinstance(running.steps[0].phase, Acquiring):
            intent.insert(0, cmd.AcquireDone(ref=ref))
        return (
            self.commit(*intent),
            self.commit(cmd.ApplyDone(ref=ref, succeeded=True, exit=0)),
            self.commit(cmd.CleanupDone(ref=ref)),
        )
