"""terraform's argument lists. Whatever a user wrote is joined to its option with `=`.

Measured with terraform 1.11.4: a plan file named `-destroy` destroys, hence absolute paths.
"""

import shlex
from pathlib import Path

import msgspec

from orchestrator_terraform.settings import Action, LockFile, TerraformSettings, seconds

MIN_LOCK_TIMEOUT = 10.0
"""Seconds that a plan or apply waits at least: a look of ours holds the lock for a moment."""

LOCK_LOOK_ADDRESS = "terraform_data.orchestrator_lock_look"
"""A resource that no state has."""


class Layout(msgspec.Struct, frozen=True):
    """Where one attempt's files are, all absolute: two environments may share one `dir`.

    `ready` exists once `init` succeeded: before, no command of ours can have taken a lock.
    """

    binary: str
    dir: Path
    data: Path
    plan: Path
    readable: Path
    variables: Path
    backend: Path
    ready: Path
    plugin_cache: Path

    def started(self, key: str) -> Path:
        """A file that exists once the process `key` may have been started."""
        return self.plan.with_name(f"{key}.started")

    def output(self, key: str) -> Path | None:
        """Where the stdout of `key` is, as `started` says."""
        path = self.started(key).read_text()
        return Path(path) if path and Path(path).exists() else None

    def shown(self, key: str) -> Path:
        """Holds how much of the output of `key` stands in the log already."""
        return self.plan.with_name(f"{key}.shown")

    def in_dir(self, path: str) -> Path:
        """A path that a user wrote: terraform reads it relative to `dir`."""
        return self.dir / path

    def environment(self) -> dict[str, str]:
        """What every terraform process of ours gets beside the step's own variables."""
        return {
            "TF_DATA_DIR": str(self.data),
            "TF_PLUGIN_CACHE_DIR": str(self.plugin_cache),
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "CHECKPOINT_DISABLE": "1",
        }

    def command(self, *arguments: str) -> list[str]:
        """An argument list that works in `dir`."""
        return [self.binary, f"-chdir={self.dir}", *arguments]

    def to_type(self, *arguments: str) -> str:
        """The same for a person's shell, with this attempt's backend and workspace."""
        return f"TF_DATA_DIR={shlex.quote(str(self.data))} {shlex.join(self.command(*arguments))}"


def init(at: Layout, settings: TerraformSettings) -> list[str]:
    """`init` for the settings; `-reconfigure` so that entering again never asks to migrate."""
    arguments = ["init", "-input=false", "-no-color"]
    if settings.action.uses_state:
        arguments.append("-reconfigure")
        if settings.backend_config:
            arguments.append(f"-backend-config={at.backend}")
    else:
        arguments.append("-backend=false")
    if _pins_providers(at, settings):
        arguments.append("-lockfile=readonly")
    return at.command(*arguments)


def _pins_providers(at: Layout, settings: TerraformSettings) -> bool:
    if settings.lockfile is None:
        return (at.dir / ".terraform.lock.hcl").exists()
    return settings.lockfile is LockFile.READONLY


def select_workspace(at: Layout, workspace: str) -> list[str]:
    """Select the workspace, created where it does not exist."""
    return at.command("workspace", "select", "-or-create=true", "--", workspace)


def plan(at: Layout, settings: TerraformSettings) -> list[str]:
    """`plan -out`; exit 0: nothing to change, 2: something, 1: an error."""
    arguments = ["plan", "-input=false", "-json", "-detailed-exitcode", f"-out={at.plan}"]
    if settings.action is Action.DESTROY:
        arguments.append("-destroy")
    if not settings.refresh:
        arguments.append("-refresh=false")
    arguments += _variables(at, settings)
    arguments += [f"-target={target}" for target in settings.targets]
    arguments += [f"-replace={address}" for address in settings.replace]
    return at.command(*arguments, *_shared(settings))


def apply(at: Layout, settings: TerraformSettings, plan_file: Path) -> list[str]:
    """`apply` of exactly that plan."""
    assert plan_file.is_absolute(), "a relative one may begin with -"
    return at.command("apply", "-input=false", "-json", *_shared(settings), str(plan_file))


def _variables(at: Layout, settings: TerraformSettings) -> list[str]:
    files = [at.in_dir(file) for file in settings.var_files]
    if settings.vars:
        files.append(at.variables)
    return [f"-var-file={file}" for file in files]


def _shared(settings: TerraformSettings) -> list[str]:
    wait = max(seconds(settings.lock_timeout), MIN_LOCK_TIMEOUT)
    arguments = [f"-lock-timeout={wait:.0f}s"]
    if settings.parallelism is not None:
        arguments.append(f"-parallelism={settings.parallelism}")
    return arguments


def validate(at: Layout) -> list[str]:
    """`validate`, with its findings for people on stdout and stderr."""
    return at.command("validate", "-no-color")


def show(at: Layout, plan_file: Path) -> list[str]:
    """The plan as people read it; sensitive values are hidden by terraform."""
    return at.command("show", "-no-color", str(plan_file))


def outputs(at: Layout) -> list[str]:
    """The root module's outputs as JSON, sensitive ones in the clear."""
    return at.command("output", "-json", "-no-color")


def look_at_lock(at: Layout) -> list[str]:
    """Take the state lock and let go of it at once, changing nothing; refused, it names the holder.

    Measured with terraform 1.11.4: LOCK, read, UNLOCK, no write, exit 0 with an empty state too,
    in about 0.06 s.
    """
    return at.command(
        "untaint", "-no-color", "-allow-missing", "-lock-timeout=0s", LOCK_LOOK_ADDRESS
    )


def force_unlock(lock_id: str) -> tuple[str, ...]:
    """Arguments that release the lock with this ID."""
    return ("force-unlock", "-force", "--", lock_id)


def pull_state(at: Layout) -> list[str]:
    """The state as the backend has it."""
    return at.command("state", "pull")


def import_resource(
    at: Layout, settings: TerraformSettings, address: str, resource_id: str
) -> tuple[str, ...]:
    """Arguments that make a resource that exists known to the state."""
    return ("import", "-input=false", *_variables(at, settings), "--", address, resource_id)
