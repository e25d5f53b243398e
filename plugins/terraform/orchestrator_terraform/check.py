"""Looking, read-only, whether a step could run."""

import shutil
from collections.abc import Iterator

import anyio.to_thread
import msgspec

from orchestrator.plugin import AdapterError, Problem, Step
from orchestrator_terraform.commands import Layout
from orchestrator_terraform.settings import TerraformSettings

OLDEST = (1, 4)
"""`workspace select -or-create` came with 1.4."""


class _Version(msgspec.Struct, frozen=True):
    terraform_version: str


async def problems(step: Step[TerraformSettings], at: Layout) -> tuple[Problem, ...]:
    """Everything that is wrong with the settings on this host, at once."""
    found = await anyio.to_thread.run_sync(lambda: tuple(_files(step, at)))
    return (*found, *await _binary(step))


def _files(step: Step[TerraformSettings], at: Layout) -> Iterator[Problem]:
    settings = step.config
    if _open(settings.dir):
        return
    if not at.dir.is_dir():
        yield Problem("dir", f"{at.dir} is not a directory")
        return
    if not any(at.dir.glob("*.tf")) and not any(at.dir.glob("*.tf.json")):
        yield Problem("dir", f"{at.dir} has no *.tf file")
    for file in settings.var_files:
        if not _open(file) and not at.in_dir(file).is_file():
            yield Problem("var_files", f"{at.in_dir(file)} does not exist")
    if settings.plan and not _open(settings.plan) and not at.in_dir(settings.plan).is_file():
        yield Problem("plan", f"the plan file {at.in_dir(settings.plan)} does not exist")


def _open(value: str) -> bool:
    """Whether a reference in it is not resolved yet."""
    return "${" in value


async def _binary(step: Step[TerraformSettings]) -> tuple[Problem, ...]:
    binary = step.config.binary
    if shutil.which(binary, path=step.base_env.get("PATH")) is None:
        return (Problem("binary", f"{binary} is not on the PATH of this step"),)
    try:
        done = await step.probe([binary, "version", "-json"], env={"CHECKPOINT_DISABLE": "1"})
        version = msgspec.json.decode(done.stdout, type=_Version).terraform_version
    except (AdapterError, msgspec.MsgspecError) as error:
        return (Problem("binary", f"{binary} version -json does not answer: {error}"),)
    if _number(version) < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        return (Problem("binary", f"{binary} is {version}; {wanted} or newer is needed"),)
    return ()


def _number(version: str) -> tuple[int, ...]:
    """1.11.4-beta1 is (1, 11)."""
    return tuple(int(part) for part in version.split(".")[:2])
