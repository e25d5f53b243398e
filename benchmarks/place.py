"""A configuration directory of the benchmarks' own, and the bell that says that jobs are done."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

MEASURED = "measured"
"""The environment whose jobs are timed."""

TRUE = """kind = "deploy"
[[steps]]
name = "apply"
uses = "command"
with = { run = ["true"] }
"""
BELL = """kind = "deploy"
[source]
path = "bell"
[[steps]]
name = "ring"
uses = "command"
with = { run = ["sh", "-c", "echo rung > fifo"] }
"""


class Place:
    """The directory of one daemon."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @property
    def socket(self) -> Path:
        """Where the daemon listens."""
        return self.directory / "socket"

    @property
    def state(self) -> Path:
        """What the daemon keeps."""
        return self.directory / "state"

    @property
    def bell(self) -> Path:
        """The FIFO that the pipeline `bell` writes to."""
        return self.directory / "bell" / "fifo"

    def write(self, environments: int, capacity: int) -> None:
        """Write the configuration: `measured`, and so many environments less one beside it."""
        for name in ("environments", "pipelines", "bell"):
            (self.directory / name).mkdir()
        os.mkfifo(self.bell)
        (self.directory / "orchestrator.toml").write_text(
            f'state_dir = "state"\nsocket = "socket"\ncapacity = {capacity}\n'
        )
        for name in (MEASURED, *(f"other-{n}" for n in range(1, environments))):
            (self.directory / "environments" / f"{name}.toml").write_text("")
        (self.directory / "pipelines" / "true.toml").write_text(TRUE)
        (self.directory / "pipelines" / "bell.toml").write_text(BELL)

    def wait_for_bell(self) -> None:
        """Until a job of the pipeline `bell` has run."""
        self.bell.read_text()


@contextmanager
def new_place(environments: int = 1, capacity: int = 1) -> Iterator[Place]:
    """A place that is gone at the end."""
    with TemporaryDirectory(prefix="orchestrator-bench-") as directory:
        place = Place(Path(directory))
        place.write(environments, capacity)
        yield place
