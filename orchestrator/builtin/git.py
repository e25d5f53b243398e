"""The `git` adapter: checks a repository out at an exact commit. `[source] git` is a step of it."""

import json
import shlex
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread

from orchestrator.builtin import checkout
from orchestrator.builtin.checkout.order import CheckoutOrder, CheckoutResult, write_private
from orchestrator.builtin.git_address import AddressInvalid, RefInvalid, check_ref, transports_of
from orchestrator.builtin.git_config import GitConfig
from orchestrator.plugin import (
    CLEAN,
    Adapter,
    AdapterError,
    Cleanliness,
    Exit,
    Problem,
    ProcessLost,
    Result,
    Severity,
    Step,
    Traits,
    hookimpl,
)

CHECKOUT_KEY = "checkout"
LOOK_KEY = "look"
_MOST_CHECKOUTS = 3
"""A checkout that was lost with its host may begin again: it changes nothing but its own files."""
_GRACE = 30.0
_LOOK = 60.0
_ABBREVIATED = 7
_SETTINGS_OF_SOURCE = {"url": "git"}
"""How `[source]` calls what is called otherwise in `with`."""
INTERVAL = 0.5
"""Seconds between two looks at how far a checkout is."""
_SSH_OPTIONS = (
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "UpdateHostKeys=no",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
    "ControlMaster=no",
    "ControlPath=none",
    "ConnectTimeout=20",
    "ServerAliveInterval=15",
    "ServerAliveCountMax=4",
)
"""These win over the daemon user's own ssh configuration, which is read: jump hosts stand there."""


class GitAdapter(Adapter[GitConfig]):
    """`uses = "git"`: the directory that steps run in becomes a work tree."""

    name = "git"
    config_type = GitConfig

    def traits(self, config: GitConfig) -> Traits:
        """It changes nothing but the job's own directory. What its check finds a run says too."""
        return Traits(touches=False, takes_slot=True, grace=_GRACE, checked_first=False)

    async def check(self, step: Step[GitConfig]) -> Sequence[Problem]:
        """Whether the remote answers, and has the ref."""
        order = await _write_order(step, LOOK_KEY)
        try:
            done = await step.probe(_argv(step, LOOK_KEY), timeout=_LOOK)
        finally:
            await to_thread.run_sync(_remove_key, step)
        answer = await to_thread.run_sync(CheckoutResult.read, Path(order.result))
        if answer is None:
            return [Problem("url", (done.stdout + done.stderr).strip()[-400:])]
        if not answer.error:
            return []
        severity = Severity.WARNING if answer.setting == "ref" else Severity.ERROR
        return [_problem(step.config, answer, severity)]

    async def apply(self, step: Step[GitConfig]) -> Result:
        """Check it out; entered again, the same checkout goes on."""
        for number in range(1, _MOST_CHECKOUTS + 1):
            key = CHECKOUT_KEY if number == 1 else f"{CHECKOUT_KEY}-{number}"
            try:
                return await _checked_out(step, key)
            except ProcessLost:
                if number == _MOST_CHECKOUTS:
                    raise
                await step.sweep()
        raise AssertionError("the last one returns or raises")

    async def cleanup(self, step: Step[GitConfig]) -> Cleanliness:
        """Nothing runs on, and no key and no half work tree is left."""
        await step.sweep()
        await to_thread.run_sync(_remove_leftovers, step)
        return CLEAN


async def _checked_out(step: Step[GitConfig], key: str) -> Result:
    order = await _write_order(step, key)
    ended = await run_followed(step, key, _argv(step, key), Path(order.progress))
    await to_thread.run_sync(_remove_key, step)
    answer = await to_thread.run_sync(CheckoutResult.read, Path(order.result))
    if answer is None or (answer.error and ended.ok):
        return Result.of(ended)
    if answer.error:
        return Result(exit=ended.code, signal=ended.signal, reason=_placed(step, answer))
    if answer.rebuilt:
        step.warn(f"the mirror of {step.config.url} was damaged and made anew: {answer.rebuilt}")
    outputs = {"commit": answer.commit, "ref": answer.ref, "describe": answer.describe}
    return Result.of(ended, summary=_summary(answer), outputs=outputs)


def _summary(answer: CheckoutResult) -> str:
    """`commit 1a2b3c4 (v1.2.3)`"""
    short = answer.commit[:_ABBREVIATED]
    name = answer.ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    if name == answer.commit:
        name = answer.describe
    return f"commit {short}" if name == short else f"commit {short} ({name})"


def _placed(step: Step[GitConfig], answer: CheckoutResult) -> str:
    """The error with where its setting stands."""
    return _at(step.config, answer.setting, answer.error)


def _at(config: GitConfig, setting: str, text: str) -> str:
    if not config.written_in:
        return f"with.{setting}: {text}" if setting else text
    name = _SETTINGS_OF_SOURCE.get(setting, setting)
    return f"{config.written_in}.{name}: {text}" if name else f"{config.written_in}: {text}"


def _problem(config: GitConfig, answer: CheckoutResult, severity: Severity) -> Problem:
    """`check` names the file by itself."""
    if not config.written_in:
        return Problem(answer.setting, answer.error, severity)
    text = _at(config, answer.setting, answer.error)
    return Problem("", text.partition(": ")[2], severity)


async def _write_order(step: Step[GitConfig], key: str) -> CheckoutOrder:
    """Write down what is to be done, and the key that it needs. Raises AdapterError."""
    config = step.config
    try:
        transports = transports_of(config.url)
        check_ref(config.ref)
    except AddressInvalid as problem:
        raise AdapterError(_at(config, "url", str(problem))) from problem
    except RefInvalid as problem:
        raise AdapterError(_at(config, "ref", str(problem))) from problem
    key_file = None if config.ssh_key is None else step.scratch / "key"
    order = CheckoutOrder(
        git=config.binary,
        url=config.url,
        ref=config.ref,
        transports=transports,
        submodules=config.submodules,
        directory=config.directory,
        ssh=ssh_command(key_file, config.known_hosts),
        known_hosts=config.known_hosts or "",
        mirrors=str(step.shared),
        config=str(step.scratch / "gitconfig"),
        draft=str(step.scratch / f"{key}-tree"),
        target=str(step.workdir),
        mark=f"job {step.job.id} step {step.name}",
        result=str(step.scratch / f"{key}-result.json"),
        progress=str(step.scratch / f"{key}-progress.json"),
        look_only=key == LOOK_KEY,
    )
    await to_thread.run_sync(_write, step, key, order, key_file)
    return order


def _write(step: Step[GitConfig], key: str, order: CheckoutOrder, key_file: Path | None) -> None:
    if key_file is not None:
        assert step.config.ssh_key is not None
        write_private(key_file, key_text(step.config.ssh_key.reveal()))
    order.write(_order_file(step, key))


def _order_file(step: Step[GitConfig], key: str) -> Path:
    return step.scratch / f"{key}-order.json"


def _argv(step: Step[GitConfig], key: str) -> list[str]:
    program = Path(checkout.__file__).with_name("__main__.py")
    return [sys.executable, "-I", "-S", "-E", str(program), str(_order_file(step, key))]


def _remove_key(step: Step[GitConfig]) -> None:
    for name in ("key", "key.new"):
        (step.scratch / name).unlink(missing_ok=True)


def _remove_leftovers(step: Step[GitConfig]) -> None:
    _remove_key(step)
    for tree in step.scratch.glob("*-tree*"):
        shutil.rmtree(tree, ignore_errors=True)


@hookimpl
def orchestrator_adapters() -> Sequence[GitAdapter]:
    """What every installation has."""
    return [GitAdapter()]


async def run_followed(step: Step[Any], key: str, argv: Sequence[str], progress: Path) -> Exit:
    """Run (or adopt) it, asked to stop by SIGTERM; what it writes to `progress` is the step's."""
    failure: Exception | None = None
    async with anyio.create_task_group() as group:
        group.start_soon(_follow, step, progress)
        try:
            ended = await step.run(key, argv, stop_signal=signal.SIGTERM)
        except Exception as error:  # a group would wrap what the daemon must see as it is
            failure = error
        group.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return ended


async def _follow(step: Step[Any], progress: Path) -> None:
    seen: object = None
    while True:
        found = await to_thread.run_sync(_read, progress)
        if found is not None and found != seen:
            done, total, text = seen = found
            step.progress(done, total, text)
        await anyio.sleep(INTERVAL)


def _read(progress: Path) -> tuple[int, int, str] | None:
    try:
        done, total, text = json.loads(progress.read_bytes())
    except (OSError, ValueError):
        return None
    return int(done), int(total), str(text)


def ssh_command(key: Path | None, known_hosts: str | None) -> str:
    """The command line for `GIT_SSH_COMMAND`; a shell splits it, so each word is quoted."""
    options = list(_SSH_OPTIONS)
    if key is not None:
        options += ["IdentitiesOnly=yes", "IdentityAgent=none", _path("IdentityFile", str(key))]
    if known_hosts is not None:
        options += ["GlobalKnownHostsFile=none", _path("UserKnownHostsFile", known_hosts)]
    return shlex.join(["ssh", *(f"-o{option}" for option in options)])


def key_text(written: str) -> bytes:
    """A key as ssh reads it: lines that end as lines do, the last one too."""
    return (written.replace("\r\n", "\n").strip() + "\n").encode()


def _path(option: str, path: str) -> str:
    """ssh reads quotes, variables and `%` in these."""
    if any(sign in path for sign in '"\\$\n'):
        raise AdapterError(f"{path}: ssh can't be given a path with a quote, `$` or `\\`")
    return f'{option}="{path.replace("%", "%%")}"'
