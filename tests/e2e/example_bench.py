"""One of config/examples, run from the very files."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.cli.client.daemon import Daemon
from orchestrator.testing.daemon_process import Launch, launch_program
from tests.e2e.e2e_bench import Installation

EXAMPLES = Path(__file__).parents[2] / "config" / "examples"


class Example(Installation):
    """A daemon on a copy of one of them, with its state and its socket where the files say."""

    def __init__(
        self,
        root: Path,
        name: str,
        env: Mapping[str, str] | None = None,
        launch: Launch = launch_program,
    ) -> None:
        super().__init__(root, env, launch)
        shutil.copytree(EXAMPLES / name, self.directory)
        self.state = self.directory / "state"
        self.socket = self.directory / "orchestrator.sock"
        self.client = Daemon(str(self.socket))

    def ends(self, *words: str) -> tuple[int, int, dict[str, str]]:
        """The exit statuses without and with --strict, and the result file."""
        plain = self.run("submit", *words, "--wait")
        result = self.root / "result"
        strict = self.run("submit", *words, "--wait", "--strict", "--result-file", str(result))
        lines = (line.partition("=") for line in result.read_text().splitlines())
        return plain.returncode, strict.returncode, {name: value for name, _, value in lines}

    def steps(self, job: int) -> dict[str, dict[str, Any]]:
        return {step["name"]: step for step in self.job(job)["steps"]}
