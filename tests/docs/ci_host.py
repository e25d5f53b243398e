"""A host as docs/ci.md describes it: a daemon, and shells that are started and killed as the
runners of GitLab and Bitbucket do it."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.docs.ci_snippets import as_bitbucket_writes_it, as_gitlab_writes_it

BIN = Path(sys.executable).parent
ORCHESTRATOR = BIN / "orchestrator"
PATIENCE = 60
"""Seconds after which something that should have happened never will."""

PIPELINE = """
kind = "deploy"
cleanup = "web-cleanup"
stop = "{stop}"

[params.version]
required = true

[[steps]]
name = "apply"
uses = "command"
[steps.with]
script = '''
trap '
  echo "asked to stop"
  until [ -e "{gates}/$ORCHESTRATOR_PARAM_VERSION.stop" ]; do sleep 0.05; done
  echo "stopped"; exit 1' TERM
echo "url=https://example.org/" >> "$ORCHESTRATOR_OUTPUT"
echo "applying"
until [ -e "{gates}/$ORCHESTRATOR_PARAM_VERSION.go" ]; do sleep 0.05; done
'''
"""
"""Works until its gate `VERSION.go` opens; asked to stop, it needs `VERSION.stop` to end."""

CLEANUP = """
kind = "cleanup"
[params.version]
[[steps]]
name = "tidy"
uses = "command"
with = { run = ["true"] }
"""


class RunnerShell:
    """The shell of one CI job, and what it has written."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._printed = b""

    def read_until(self, text: str) -> None:
        """Read what it writes until it has written this text."""
        while text not in self._text():
            assert self._read(), f"never written: {text!r} in {self._text()}"

    def read_to_end(self) -> str:
        """All that it wrote, once nobody can write any more: so long a runner waits, too."""
        while self._read():
            pass
        return self._text()

    def _text(self) -> str:
        return self._printed.decode()

    def _read(self) -> bool:
        """Whether there was more."""
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        if not select.select([pipe], [], [], PATIENCE)[0]:
            raise AssertionError(f"nothing more for {PATIENCE} s after {self._text()}")
        more = os.read(pipe, 65536)
        self._printed += more
        return bool(more)

    def exit_status(self) -> int:
        """What the runner is told."""
        return self._process.wait(PATIENCE)

    def signal_group(self, number: signal.Signals) -> None:
        """To the shell and all that it started."""
        os.killpg(self._process.pid, number)

    def signal_shell(self, number: signal.Signals) -> None:
        """To the shell alone."""
        os.kill(self._process.pid, number)


class CiHost:
    """A daemon, a directory in which CI jobs work, and gates that let its tools end."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "home"
        self.checkout = root / "checkout"
        self._gates = root / "gates"

    def write(self) -> None:
        """The configuration: `web` may be stopped by submitters, `locked` by nobody."""
        for folder in (
            self.home,
            self.checkout,
            self._gates,
            *map(self._config, ("pipelines", "environments")),
        ):
            folder.mkdir(parents=True)
        self._config("orchestrator.toml").write_text('state_dir = "state"\nsocket = "s"\n')
        self._config("environments", "staging.toml").touch()
        self._config("pipelines", "web-cleanup.toml").write_text(CLEANUP)
        for name, stop in (("web", "submitters"), ("locked", "nobody")):
            text = PIPELINE.format(stop=stop, gates=self._gates)
            self._config("pipelines", f"{name}.toml").write_text(text)

    @contextmanager
    def daemon(self) -> Iterator[None]:
        """A daemon, answering; what its tools still do is let go at the end."""
        argv = [str(ORCHESTRATOR), "serve", "--config", str(self._config())]
        with (self.root / "daemon.log").open("w+") as log:
            process = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)
            assert process.stderr is not None
            for line in process.stderr:
                log.write(line)
                if '"ready"' in line:
                    break
            else:
                raise AssertionError((self.root / "daemon.log").read_text())
            try:
                yield
            finally:
                self.call("drain", "--cancel")
                for job in self.json("jobs")["jobs"]:
                    version = job["params"].get("version", "")
                    self.open(f"{version}.go")
                    self.open(f"{version}.stop")
                self.call("drain", "--wait")
                process.terminate()
                process.communicate()

    def gitlab(self, lines: str, variables: dict[str, str], session: bool = False) -> RunnerShell:
        """A shell as GitLab Runner starts it; with `session`, as its `su` does."""
        exports = self._exports(variables)
        script = as_gitlab_writes_it(exports + lines)
        return self._shell(["bash", "-l"], script, session)

    def bitbucket(self, lines: str, variables: dict[str, str]) -> RunnerShell:
        """A shell as the Linux shell runner of Bitbucket starts it."""
        path = self.root / "step.sh"
        path.write_text(as_bitbucket_writes_it(self._exports(variables) + lines))
        return self._shell(["bash", str(path)], "", session=False)

    def open(self, gate: str) -> None:
        """Let a tool go on."""
        (self._gates / gate).touch()

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of ours, at a person's terminal."""
        return subprocess.run(
            [ORCHESTRATOR, *words],
            env=os.environ | {"ORCHESTRATOR_SOCKET": str(self._config("s"))},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    def json(self, *words: str) -> Any:
        """What a command of ours prints as JSON."""
        return json.loads(self.call(*words, "--json").stdout)

    def ended(self, job: int) -> dict[str, Any]:
        """The job, once it has ended."""
        self.call("wait", str(job))
        found: dict[str, Any] = self.json("show", str(job))
        return found

    def result(self) -> dict[str, str]:
        """What the next step of the CI reads."""
        lines = (self.checkout / "deploy.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def _config(self, *parts: str) -> Path:
        return self.root.joinpath("c", *parts)

    def _exports(self, variables: dict[str, str]) -> str:
        needed = {
            "PATH": f"{BIN}:{os.environ['PATH']}",  # /etc/profile, read by `-l`, sets another
            "ORCHESTRATOR_SOCKET": str(self._config("s")),
        }
        return "".join(f"export {n}='{v}'\n" for n, v in (needed | variables).items())

    def _shell(self, argv: list[str], script: str, session: bool) -> RunnerShell:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.checkout,
            env=os.environ | {"HOME": str(self.home)},  # a login shell reads its files
            process_group=None if session else 0,
            start_new_session=session,
        )
        assert process.stdin is not None
        process.stdin.write(script.encode())
        process.stdin.close()
        return RunnerShell(process)
