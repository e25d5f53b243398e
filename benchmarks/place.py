"""A configuration directory of the benchmarks' own, and the bell that says that jobs are done."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

MEASURED = "measured"
"""The environment whose jobs are timed."""
HOLDER = "holder"
"""The environment of the job that holds the lock of all environments that are not timed."""

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
# It ends by itself if nobody cancels it.
HOLD = """kind = "deploy"
[[steps]]
name = "hold"
uses = "command"
with = { run = ["sleep", "600"] }
"""
PIPELINES = {"true": TRUE, "bell": BELL, "hold": HOLD}


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

    def write(self, environments: int) -> None:
        """Write the configuration: so many environments that share a lock, and the timed one."""
        for name in ("environments", "pipelines", "bell"):
            (self.directory / name).mkdir()
        os.mkfifo(self.bell)
        (self.directory / "orchestrator.toml").write_text(
            'state_dir = "state"\nsocket = "socket"\ncapacity = 2\n'
        )
        for name in (HOLDER, *(f"other-{n}" for n in range(1, environments))):
            self._environment(name).write_text('locks = ["shared"]\n')
        self._environment(MEASURED).write_text("")
        for name, content in PIPELINES.items():
            (self.directory / "pipelines" / f"{name}.toml").write_text(content)

    def _environment(self, name: str) -> Path:
        return self.directory / "environments" / f"{name}.toml"

    def wait_for_bell(self) -> None:
        """Until a job of the pipeline `bell` has run."""
        self.bell.read_text()


@contextmanager
def new_place(environments: int = 1) -> Iterator[Place]:
    """A place that is gone at the end."""
    with TemporaryDirectory(prefix="orchestrator-bench-") as directory:
        place = Place(Path(directory))
        place.write(environments)
        yield place
