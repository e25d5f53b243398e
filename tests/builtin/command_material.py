"""What the adapter suite needs for `command`: small Python programs in the place of tools."""

import sys
from pathlib import Path

from orchestrator.testing.suite_material import Material, Settings

TRACE = """
import os, signal, sys, time
from pathlib import Path
def trace(name):
    file = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, b"x")
    os.close(file)
"""
SUCCEEDS = """
print("line one", flush=True)
trace("runs")
Path(os.environ["ORCHESTRATOR_OUTPUT"]).write_text("url=https://example.org\\n")
print("line two", flush=True)
"""
FAILS = "trace('runs'); sys.exit(3)"
WORKS = """
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
trace("runs")
signal.sigwait({signal.SIGTERM})
trace("stops")
while not relented() or signal.SIGTERM in signal.sigpending():
    if signal.sigtimedwait({signal.SIGTERM}, 0.05):
        trace("stops")
sys.exit(143)
"""
ONCE = """
again = iter([False] * 4)
def relented():
    return next(again, True)
"""
UNTIL_RELENTED = """
def relented():
    return Path("relent").exists()
"""
LASTS = """
while not Path("relent").exists():
    time.sleep(0.02)
"""


class CommandMaterial(Material):
    """The tools work in the material's directory and leave a byte there for each thing counted."""

    @property
    def source(self) -> Path:
        return self.root

    def succeeding(self) -> Settings:
        return {"run": self.program("succeeds", SUCCEEDS)}

    def failing(self) -> Settings:
        return {"run": self.program("fails", FAILS)}

    def working(self) -> Settings:
        return {"run": self.program("works", ONCE + WORKS)}

    def stubborn(self) -> Settings:
        return {"run": self.program("stays", UNTIL_RELENTED + WORKS)}

    def lasting_cleanup(self) -> Settings:
        return {**self.succeeding(), "cleanup": self.program("lasts", LASTS)}

    def dirty(self) -> Settings:
        code = "sys.exit('still here' if Path('runs').exists() else 0)"
        return {**self.succeeding(), "cleanup": self.program("looks", code)}

    def relent(self) -> None:
        (self.root / "relent").touch()

    def tidy(self) -> None:
        (self.root / "runs").unlink()

    @property
    def outputs(self) -> dict[str, str]:
        return {"url": "https://example.org"}

    @property
    def lines(self) -> tuple[str, ...]:
        return ("line one", "line two")

    def runs(self) -> int:
        return self.count("runs")

    def stops(self, log: str) -> int:
        return self.count("stops")

    def program(self, name: str, code: str) -> list[str]:
        """A tool, as an argument list."""
        file = self.root / f"{name}.py"
        if not file.exists():
            file.write_text(TRACE + code)
        return [sys.executable, "-S", str(file)]

    def count(self, name: str) -> int:
        """How many bytes such a file has."""
        path = self.root / name
        return path.stat().st_size if path.exists() else 0
