"""Real git repositories to check out, and servers on loopback that serve them."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "ada"), ("EMAIL", "ada@example.org"))
}
_ENV = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ALLOW_PROTOCOL": "file",
    **_IDENTITY,
}


def git(*arguments: str, cwd: Path) -> str:
    """What git prints, without the last newline."""
    done = subprocess.run(["git", *arguments], cwd=cwd, env=_ENV, capture_output=True, text=True)
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout.strip()


class Repository:
    """A repository with a work tree."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        git("init", "--quiet", "--initial-branch=main", cwd=path)

    @property
    def url(self) -> str:
        return self.path.as_uri()

    def commit(self, files: Mapping[str, str], *tags: str) -> str:
        """Commit these files; the id."""
        for name, text in files.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=x")
        for tag in tags:
            self.git("tag", "--annotate", "--message=x", tag)
        return self.head

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        return git(*arguments, cwd=self.path)


@contextmanager
def server(program: str, *arguments: str) -> Iterator[int]:
    """A server of these tests in a process of its own; the port that it tells in a line."""
    file = Path(__file__).with_name(program)
    command = [sys.executable, str(file), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.terminate()
