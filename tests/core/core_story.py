"""given(…).when(command).then(events): tables of what the rules say, in that order.

Every command of a story is a transaction of its own, as the writer makes them, and after each the
invariants of `core_invariants` are checked.
"""

from typing import Any, TypeAlias

import msgspec

from orchestrator.core.decide import settle, take
from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import Configuration
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import Environment, Job, StepPhase
from orchestrator.core.language.rejections import Rejection
from orchestrator.core.world.world import World
from tests.core.core_invariants import Shadow, check, state_of
from tests.core.core_restart import replayed, restored
from tests.core.core_setup import accept, at, config


class Like:
    """Equals every event of a type whose named fields have these values."""

    def __init__(self, type: type[ev.Event], fields: dict[str, Any]) -> None:
        self.type, self.fields = type, fields

    def __eq__(self, other: object) -> bool:
        return isinstance(other, self.type) and all(
            getattr(other, name) == value for name, value in self.fields.items()
        )

    def __hash__(self) -> int:
        return hash(self.type)

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.fields.items())
        return f"like {self.type.__name__}({fields})"


def like(type: type[ev.Event], **fields: Any) -> Like:
    """An event of which only some fields matter here."""
    return Like(type, fields)


Expected: TypeAlias = ev.Event | Like


class Story:
    """A world, its journal, and what the last command led to."""

    def __init__(self, now: Instant | None = None) -> None:
        self.now = now or at()
        self.world = World(self.now)
        self.shadow = Shadow(self.now)
        self.journal: list[ev.Stamped] = []
        self.happened: list[ev.AnyEvent] = []
        self.ended: dict[int, Job] = {}
        self.rejection: Rejection | None = None

    def given(self, *commands: cmd.Command | Configuration | float) -> "Story":
        """What went before. A number lets as many seconds pass."""
        for command in commands:
            if isinstance(command, Configuration):
                command = accept(command)
            if isinstance(command, int | float):
                self.after(command)
            else:
                self.when(command)
                assert self.rejection is None, self.rejection
        return self

    def after(self, seconds: float) -> "Story":
        """Let time pass, then look at the clock."""
        self.now = msgspec.structs.replace(
            self.now,
            utc=self.now.utc + round(seconds * 1000),
            boot=self.now.boot + round(seconds * 1000),
        )
        return self.when(cmd.LookAtClock())

    def step_wall_clock(self, seconds: float) -> "Story":
        """Put the wall clock forward or back; no time passes."""
        self.now = msgspec.structs.replace(self.now, utc=self.now.utc + round(seconds * 1000))
        return self

    def restart(self, *, rebooted: bool = False, from_journal: bool = False) -> "Story":
        """A new daemon, by what a store keeps of the world or by the whole journal."""
        if rebooted:
            boot_id = self.now.boot_id + "'"
            self.now = msgspec.structs.replace(self.now, boot=1000, boot_id=boot_id)
        again = replayed(self.journal, self.now)
        self.world = again if from_journal else restored(self.world, self.now)
        self.shadow = Shadow(self.now, replayed(self.journal, self.now), set(self.ended))
        return self.when(cmd.OpenDaemon(version="1", pid=1, seed="story"))

    def when(self, command: cmd.Command) -> "Story":
        """Tell the core something, and let happen what follows."""
        return self.when_all(command)

    def when_all(self, *commands: cmd.Command) -> "Story":
        """Tell the core several things in one transaction."""
        self.happened, self.rejection = [], None
        self.world.begin()
        lines: list[ev.Stamped] = []
        for command in commands:
            before = state_of(self.world)
            try:
                lines += take(self.world, command, self.now)
            except Rejection as rejection:
                self.rejection = rejection
                assert state_of(self.world) == before
        lines += settle(self.world, self.now)
        self._remember_ends()
        self.world.commit()
        self.journal += lines
        self.happened = [line.event for line in lines]
        self.shadow.follow(lines)
        check(self.world, self.shadow, self.now)
        return self

    def _remember_ends(self) -> None:
        for job in self.world.changes.jobs.values():
            if job.id not in self.world.jobs:
                self.ended[job.id] = job

    def then(self, *expected: Expected) -> "Story":
        """Exactly these events happened. `DefinitionRecorded` is left out: it is bookkeeping."""
        assert self.rejection is None, self.rejection
        seen = [one for one in self.happened if not isinstance(one, ev.DefinitionRecorded)]
        assert seen == list(expected)
        return self

    def then_among(self, *expected: Expected) -> "Story":
        """These events happened, in this order, perhaps among others."""
        assert self.rejection is None, self.rejection
        rest = iter(self.happened)
        for one in expected:
            assert any(one == event for event in rest), f"{one} not in order in {self.happened}"
        return self

    def then_nothing(self) -> "Story":
        """Nothing happened."""
        return self.then()

    def refused(self, rejection: type[Rejection], *texts: str) -> Rejection:
        """The command was refused for this cause, and nothing changed."""
        assert isinstance(self.rejection, rejection), (self.rejection, self.happened)
        assert self.happened == []
        for text in texts:
            assert text in str(self.rejection)
        return self.rejection

    # --- looking ---------------------------------------------------------------------------

    def job(self, job: int) -> Job:
        """A job, open or ended."""
        return self.world.jobs[job] if job in self.world.jobs else self.ended[job]

    def phase(self, job: int, step: str = "apply") -> StepPhase:
        """The phase of a step."""
        return self.job(job).step(step).phase

    def environment(self, name: str = "production") -> Environment:
        """An environment."""
        return self.world.environment(name)

    def running(self, environment: str = "production") -> list[int]:
        """The jobs that run in an environment."""
        return [job.id for job in self.world.running_jobs(environment)]

    def waiting(self, environment: str = "production") -> list[int]:
        """The jobs that wait in an environment, in their order."""
        return [job.id for job in self.world.queue(environment)]


def given(*commands: cmd.Command | Configuration | float) -> Story:
    """A story that begins with these commands, in the usual configuration unless one is given."""
    story = Story()
    if not commands or not isinstance(commands[0], Configuration):
        story.given(config())
    return story.given(*commands)
