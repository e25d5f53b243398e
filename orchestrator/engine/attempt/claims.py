"""Who of our attempts may hold which resource outside (a state lock, a release), and who is dead.

One append-only file of JSON lines for each resource, synced at every line: `claim` lines, and a
`death` line for each process whose end had to be proven (its own record of its end is better).
"""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from orchestrator.core.language.model import StepRef
from orchestrator.engine.attempt.process_place import ProcessPlaces
from orchestrator.engine.logs.log_file import append_lines
from orchestrator.engine.paths import Paths
from orchestrator.plugin import Claim
from orchestrator.process import records
from orchestrator.process.host import ProcessHost
from orchestrator.process.state import Exited, NotStarted, Void
from orchestrator.process.threads import in_thread

_MOST_CLAIMS = 200
"""The newest ones that are looked at; each costs a few look-ups."""


class ClaimLine(msgspec.Struct, frozen=True, tag="claim"):
    """An attempt may hold the resource from `at` on. `processes` lies below the state directory.

    `token` is its job's: the number may have been another job's before, in a lost journal.
    """

    resource: str
    job: int
    step: str
    attempt: int
    at: int
    boot_id: str
    processes: str
    token: str = ""


class DeathLine(msgspec.Struct, frozen=True, tag="death"):
    """The process of this directory, and all it had started, were proven dead at `at`."""

    directory: str
    at: int


class ClaimBook:
    """The claims of all attempts. `now` gives UTC milliseconds."""

    def __init__(
        self, state_dir: Path, host: ProcessHost, boot_id: str, now: Callable[[], int]
    ) -> None:
        self._state_dir = state_dir
        self._host = host
        self._boot_id = boot_id
        self._now = now

    async def claim(self, resource: str, ref: StepRef, token: str, processes: Path) -> None:
        """Write down, durably, that the attempt may hold the resource from now on."""
        line = ClaimLine(
            resource=resource,
            job=ref.job,
            step=ref.step,
            attempt=ref.attempt,
            at=self._now(),
            boot_id=self._boot_id,
            processes=str(processes.relative_to(self._state_dir)),
            token=token,
        )
        await in_thread(self._append, resource, line)

    async def claims(self, resource: str) -> tuple[Claim, ...]:
        """Who claimed it, the newest first."""
        return await in_thread(self._look, resource)

    def _file(self, resource: str) -> Path:
        digest = hashlib.sha256(resource.encode(errors="surrogatepass")).hexdigest()[:32]
        return self._state_dir / "claims" / f"{digest}.jsonl"

    def _append(self, resource: str, line: ClaimLine | DeathLine) -> None:
        path = self._file(resource)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        append_lines(path, msgspec.json.encode(line) + b"\n", sync=True)

    def _read(self, resource: str) -> Iterator[ClaimLine | DeathLine]:
        try:
            content = self._file(resource).read_bytes()
        except FileNotFoundError:
            return
        for line in content.splitlines():
            try:
                yield msgspec.json.decode(line, type=ClaimLine | DeathLine)
            except msgspec.DecodeError:
                continue  # cut short by a power cut

    def _look(self, resource: str) -> tuple[Claim, ...]:
        lines = list(self._read(resource))
        deaths = {line.directory: line.at for line in lines if isinstance(line, DeathLine)}
        first: dict[tuple[str, int, str, int], ClaimLine] = {}
        for line in lines:
            if isinstance(line, ClaimLine) and line.resource == resource:
                first.setdefault((line.token, line.job, line.step, line.attempt), line)
        newest = list(first.values())[: -_MOST_CLAIMS - 1 : -1]
        return tuple(self._judge(line, deaths) for line in newest)

    def _judge(self, line: ClaimLine, deaths: dict[str, int]) -> Claim:
        ended = self._ended(line, deaths)
        return Claim(
            resource=line.resource,
            job=line.job,
            step=line.step,
            attempt=line.attempt,
            began=line.at,
            ended=ended,
            dead=ended is not None,
        )

    def _ended(self, line: ClaimLine, deaths: dict[str, int]) -> int | None:
        """When the last process of the attempt ended; None while one may live."""
        processes = self._state_dir / line.processes
        # Set aside, it still proves who is dead: without that, a lock of a job that the journal
        # has forgotten would be held for ever (decision 0025).
        if not processes.is_dir():
            processes = self._set_aside(line)
        if not processes.is_dir():
            return None  # its files are gone, and with them the proof
        ended = line.at
        for place in ProcessPlaces(processes).all():
            died = self._died(line, place.directory, deaths)
            if died is None:
                return None
            ended = max(ended, died)
        return ended

    def _set_aside(self, line: ClaimLine) -> Path:
        """Where its processes are if its job's directory was set aside."""
        paths, processes = Paths(self._state_dir), self._state_dir / line.processes
        directory = paths.job(line.job)
        if not processes.is_relative_to(directory):
            return processes
        return paths.aside(line.job, line.token) / processes.relative_to(directory)

    def _died(self, line: ClaimLine, directory: Path, deaths: dict[str, int]) -> int | None:
        # The claimant's records are gone where another job's lie: by these a lock would count as
        # left behind, and be broken, while the tool that took it works on.
        if self._host.owner(directory) not in (None, line.token):
            return None
        match self._host.look(directory):
            case NotStarted() | Void():
                return 0
            case Exited(exit) if exit.alone:
                return int((directory / records.STATUS).stat().st_mtime * 1000)
        name = str(directory.relative_to(self._state_dir))
        if name not in deaths:
            if not self._host.is_tree_dead(directory):
                return None
            deaths[name] = self._now()
            self._append(line.resource, DeathLine(name, deaths[name]))
        return deaths[name]
