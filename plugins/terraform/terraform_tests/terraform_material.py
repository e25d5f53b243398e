"""What the adapter suite needs for terraform: real ones, with their state on loopback."""

import stat
from pathlib import Path

from orchestrator.testing import Material, Settings
from tests.testbed.terraform.http_state import StateServer

MODULE = """
terraform {
  backend "http" {}
}
variable "command" {}
resource "terraform_data" "a" {
  input            = timestamp()
  triggers_replace = timestamp()
  provisioner "local-exec" { command = var.command }
}
output "answer" { value = 42 }
output "password" {
  value     = "hunter2"
  sensitive = true
}
"""
WRAPPER = """#!/bin/sh
# terraform, whose looks at the state lock wait for us after an apply
case "$*" in
  *orchestrator_lock_look*) while [ -e applied ] && ! [ -e relent ]; do sleep 0.05; done;;
esac
exec terraform "$@"
"""
STATE = "state"
BEGIN = "echo run >> runs"


class TerraformMaterial(Material):
    """A root module whose local-exec leaves traces beside it."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.server = StateServer()
        self.server.__enter__()
        (root / "main.tf").write_text(MODULE)
        wrapper = root / "terraform-that-waits"
        wrapper.write_text(WRAPPER)
        wrapper.chmod(stat.S_IRWXU)

    @property
    def source(self) -> Path:
        return self.root

    def settings(self, command: str, **more: object) -> Settings:
        """An apply whose local-exec runs this shell command."""
        address = self.server.url(STATE)
        backend = {f"{name}address": address for name in ("", "lock_", "unlock_")}
        return {
            "action": "apply",
            "backend_config": backend,
            "vars": {"command": f"cd {self.root}; {command}"},
            **more,
        }

    def succeeding(self) -> Settings:
        return self.settings(f"{BEGIN}; echo hello from terraform")

    def failing(self) -> Settings:
        return self.settings(f"{BEGIN}; exit 3")

    def working(self) -> Settings:
        return self.settings(f"{BEGIN}; exec sleep 1000")

    def stubborn(self) -> Settings:
        """It is saving its state."""
        self.server.upload_seconds = 1000
        return self.settings(BEGIN)

    def blocked(self) -> Settings:
        self.server.hold(STATE)
        return self.succeeding()

    def lasting_cleanup(self) -> Settings:
        binary = str(self.root / "terraform-that-waits")
        return self.settings(f"{BEGIN}; touch applied", binary=binary)

    def dirty(self) -> Settings:
        """The backend does not take the state."""
        self.server.refuse_upload = True
        return self.settings(BEGIN)

    def relent(self) -> None:
        self.server.release_uploads.set()
        (self.root / "relent").touch()

    def tidy(self) -> None:
        """As `terraform state push` does it."""
        self.server.refuse_upload = False
        [unsaved] = self.root.parent.rglob("errored.tfstate")
        self.server.states[f"/{STATE}"] = unsaved.read_bytes()

    @property
    def outputs(self) -> dict[str, object]:
        return {"answer": 42, "password": "(sensitive)"}

    @property
    def written_out(self) -> frozenset[str]:
        return frozenset({"action"})

    @property
    def lines(self) -> tuple[str, ...]:
        return ("terraform_data.a: (local-exec): hello from terraform",)

    def runs(self) -> int:
        path = self.root / "runs"
        return path.read_text().count("run\n") if path.exists() else 0

    def stops(self, log: str) -> int:
        return log.count("Interrupt received") + log.count("Two interrupts")

    def left(self) -> str:
        held = self.server.locks.get(f"/{STATE}")
        return f"the state lock {held}" if held and held["Who"] != "bob@elsewhere" else ""

    def close(self) -> None:
        self.server.__exit__(None, None, None)
