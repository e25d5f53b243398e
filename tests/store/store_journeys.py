"""Random lives of a daemon: commands decided by the core and written as an engine writes them."""

import random
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from orchestrator.core.decide import settle, take
from orchestrator.core.language import commands as cmd
from orchestrator.core.language.definition import (
    ApprovalRule,
    CleanupReference,
    Configuration,
    EnvironmentDefinition,
    PipelineDefinition,
    StepDefinition,
)
from orchestrator.core.language.digest import digest
from orchestrator.core.language.events import Stamped
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import (
    Acquiring,
    Applying,
    Cancelling,
    CleaningUp,
    Finding,
    Pending,
    ProcessRecord,
    Step,
    StepRef,
)
from orchestrator.core.language.rejections import Rejection
from orchestrator.core.language.words import LongWaitPolicy, Section, StepConclusion
from orchestrator.core.rules import wanted as effects
from orchestrator.core.world.evolve import evolve
from orchestrator.core.world.world import Changes, World
from orchestrator.store import reading, writing
from orchestrator.store.database import connect_writer
from orchestrator.store.restore import restore
from orchestrator.store.rows import encode_batch

ROOT = cmd.Caller(uid=0, user="root", is_owner=True)
LOCKS = {"production": ("vpc",), "qa": ("vpc",), "lab": ()}
ENVIRONMENTS = tuple(LOCKS)


def configuration_with(capacity: int) -> Configuration:
    steps = tuple(StepDefinition(name=name, uses="command") for name in ("one", "two"))
    cleanup = StepDefinition(name="down", uses="command", touches=False)
    pipelines = [
        PipelineDefinition(
            name="web", kind="deploy", steps=steps, cleanup=CleanupReference(pipeline="down")
        ),
        PipelineDefinition(name="down", kind="cleanup", steps=(cleanup,)),
        PipelineDefinition(
            name="whole",
            kind="deploy",
            steps=tuple(
                StepDefinition(name=section.value, uses="command", section=section, touches=False)
                for section in Section
            ),
            approval=ApprovalRule(expires=900.0),
            max_wait=300.0,
            on_max_wait=LongWaitPolicy.WARN,
        ),
    ]
    return Configuration(
        state_dir="/var/lib/orchestrator",
        socket="/run/orchestrator.sock",
        kinds={"deploy": ("deploy", "cleanup"), "cleanup": ("deploy", "cleanup")},
        environments={
            name: EnvironmentDefinition(name=name, locks=locks) for name, locks in LOCKS.items()
        },
        pipelines={pipeline.name: pipeline for pipeline in pipelines},
        capacity=capacity,
    )


def accept(configuration: Configuration) -> cmd.AcceptConfiguration:
    return cmd.AcceptConfiguration(configuration=configuration, digest=digest(configuration))


def replayed(lines: Sequence[Stamped], epoch: Instant) -> tuple[World, Changes]:
    """The world after a journal, and every row in its last version."""
    world = World(epoch)
    for line in lines:
        evolve(world, line)
    return world, world.changes


class Journey:
    """A world and its database, and random steps of both. The same seed, the same life."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.path = directory / "state.db"
        self.random = random.Random(seed)
        self.connection = connect_writer(self.path)
        self.now = Instant(utc=1_000_000, boot=1_000, boot_id="b1")
        self.world = World(self.now)
        self.commit(accept(configuration_with(capacity=2)))

    def close(self) -> None:
        self.connection.close()

    def commit(self, command: cmd.Command) -> None:
        """Decide one command and write what it means, as one transaction."""
        self.world.begin()
        try:
            events = take(self.world, command, self.now)
        except Rejection:
            self.world.rollback()
            return
        events += settle(self.world, self.now)
        batch = encode_batch(events, self.world.changes, self.world.drain)
        writing.write(self.connection, batch)
        self.world.commit()

    def restart(self) -> None:
        """Forget everything and load it again, in another boot."""
        self.connection.close()
        self.connection = connect_writer(self.path)
        self.now = Instant(utc=self.now.utc + 5_000, boot=77, boot_id=self.now.boot_id + "+")
        self.world = restore(reading.load(self.connection), self.now)

    def step(self) -> None:
        """Some time passes, and something happens."""
        passed = self.random.choice((1, 50, 400_000))
        self.now = Instant(
            utc=self.now.utc + passed, boot=self.now.boot + passed, boot_id=self.now.boot_id
        )
        if self.random.random() < 0.05:
            self.restart()
        observations = [*self._observations()]
        if observations and self.random.random() < 0.6:
            self.commit(self.random.choice(observations))
        else:
            self.commit(self._request())

    def _request(self) -> cmd.Command:
        environment = self.random.choice(ENVIRONMENTS)
        job = self.random.choice([*self.world.jobs, 1])
        changed = configuration_with(self.random.choice((1, 3)))
        number = self.random.randrange(5)
        submit = cmd.Submit(
            caller=ROOT,
            pipeline=self.random.choice(("web", "web", "down", "whole", "whole")),
            environment=environment,
            priority=number,
            labels={"n": str(number)},
            key=f"k{self.world.next_job}" if number % 2 else None,
            cancel_on_disconnect=number == 3,
        )
        requests: list[cmd.Command] = [
            submit,
            submit,
            submit,
            cmd.Cancel(caller=ROOT, job=job, force=number == 0),
            cmd.Approve(caller=ROOT, job=job),
            cmd.Approve(caller=ROOT, job=job),
            cmd.Reject(caller=ROOT, job=job),
            cmd.Waive(caller=ROOT, environment=environment, reason="gone"),
            cmd.Recheck(caller=ROOT, environment=environment),
            cmd.StartDrain(caller=ROOT, cancel=number == 0),
            cmd.EndDrain(caller=ROOT),
            accept(changed),
            cmd.OpenDaemon(version="0.1.0", pid=number, seed="journey"),
            cmd.SeeClient(job=job, present=number > 2),
            cmd.LookAtClock(),
        ]
        return self.random.choice(requests)

    def _observations(self) -> Sequence[cmd.Observation]:
        found: list[cmd.Observation] = []
        for name in ENVIRONMENTS:
            for effect in effects.wanted(self.world, name):
                match effect:
                    case effects.RunAttempt(ref=ref):
                        step = self.world.jobs[ref.job].step(ref.step)
                        found += self._of_attempt(ref, step)
                    case effects.VerifyAgain(finding=finding):
                        found.append(self._rechecked(name, finding))
                    case _:
                        pass
        return found

    def _rechecked(self, environment: str, finding: Finding) -> cmd.Observation:
        left = self.random.choice((None, finding))
        return cmd.RecheckDone(environment=environment, ref=finding.ref, finding=left)

    def _of_attempt(self, ref: StepRef, step: Step) -> list[cmd.Observation]:
        failed = cmd.AttemptFailed(ref=ref, conclusion=StepConclusion.FAILURE, reason="no")
        intent = cmd.IntendProcess(
            ref=ref, record=ProcessRecord(phase="apply", key="main", boot_id=self.now.boot_id)
        )
        match step.phase:
            case Acquiring():
                return [cmd.AcquireDone(ref=ref), failed]
            case Applying() | Cancelling():
                ends = (cmd.ApplyDone(ref=ref, succeeded=exit == 0, exit=exit) for exit in (0, 1))
                noted = cmd.NoteWaiting(ref=ref, text=self.random.choice((None, "a lock")))
                asks = cmd.Ask(ref=ref, key="ok", text="go on?", rule=ApprovalRule(expires=60.0))
                withdrawn = cmd.WithdrawQuestion(ref=ref, key="ok")
                warned = cmd.NoteWarning(ref=ref, text="odd")
                return [*ends, noted, intent, warned, asks, asks, withdrawn, failed]
            case CleaningUp():
                finding = Finding(ref=ref, found="a lock", commands=("unlock",))
                return [cmd.CleanupDone(ref=ref), cmd.CleanupDone(ref=ref, finding=finding)]
            case Pending() | _:
                return []


def travel(directory: Path, seed: int, steps: int) -> World:
    """Write a whole random life into an empty directory; the world at its end."""
    journey = Journey(directory, seed)
    with closing(journey):
        for _ in range(steps):
            journey.step()
        return journey.world
