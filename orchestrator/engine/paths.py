"""Where things lie in the state directory."""

from pathlib import Path

from orchestrator.core.language.model import StepRef


class Paths:
    """The layout of a state directory. Makes nothing."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir

    @property
    def jobs(self) -> Path:
        """One directory for each job."""
        return self.state_dir / "jobs"

    def job(self, job: int) -> Path:
        """All that belongs to one job."""
        return self.jobs / str(job)

    @property
    def all_aside(self) -> Path:
        """What jobs left that the journal does not know: for people to look at, and to delete."""
        return self.state_dir / "aside"

    def aside(self, job: int, token: str) -> Path:
        """Where the directory of a job goes that the journal does not know."""
        return self.all_aside / f"{job}.{token or 'unmarked'}"

    def work(self, job: int) -> Path:
        """The empty directory of a job without a source."""
        return self.job(job) / "work"

    def attempt(self, ref: StepRef) -> Path:
        """All that belongs to one attempt: its log, processes and scratch directory."""
        return self.attempts(ref.job, ref.step) / str(ref.attempt)

    def attempts(self, job: int, step: str) -> Path:
        """One directory for each attempt of a step."""
        return self.job(job) / "steps" / safe_name(step)

    def log(self, ref: StepRef) -> Path:
        """The log of an attempt."""
        return self.attempt(ref) / "log"

    def sensitive_outputs(self, ref: StepRef) -> Path:
        """The values of outputs that the journal must not hold."""
        return self.attempt(ref) / "outputs.json"

    def shared(self, environment: str, adapter: str) -> Path:
        """What an adapter keeps for an environment, across jobs."""
        return self.state_dir / "shared" / safe_name(environment) / safe_name(adapter)

    @property
    def secrets(self) -> Path:
        """Values that neither the journal nor a log may hold, each in a file (0600)."""
        return self.state_dir / "secrets"

    @property
    def claims(self) -> Path:
        """What attempts said that they hold."""
        return self.state_dir / "claims"

    @property
    def keeper(self) -> Path:
        """The directory of the keeper's socket."""
        return self.state_dir / "keeper"


def safe_name(name: str) -> str:
    """A name as one path component: `/` and anything unusual is written as `%XX`, reversibly."""
    kept = "".join(
        character
        if character.isascii() and (character.isalnum() or character in "-_.")
        else "".join(f"%{byte:02X}" for byte in character.encode())
        for character in name
    )
    return kept if kept.strip(".") else kept.replace(".", "%2E")
