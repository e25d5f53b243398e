"""What this attempt will put into the cluster, found out before helm begins."""

from typing import Any

import msgspec

from orchestrator.plugin import AdapterError
from orchestrator_helm import credentials
from orchestrator_helm.intent import rollback_target
from orchestrator_helm.manifests import Identity, identities, objects
from orchestrator_helm.messages import refused
from orchestrator_helm.release import NOT_FOUND, History, Hook, one_line
from orchestrator_helm.settings import Action
from orchestrator_helm.tool import Helm, write_private

DRY_RUN_TIMEOUT = 300.0
"""Seconds: a chart may have to be fetched first."""

_TESTS = frozenset({"test", "test-success"})
_DELETION = frozenset({"pre-delete", "post-delete"})
_ROLLBACK = frozenset({"pre-rollback", "post-rollback"})
_UPGRADE = frozenset({"pre-install", "post-install", "pre-upgrade", "post-upgrade"})
_EVENTS = {
    Action.UPGRADE: _UPGRADE | _ROLLBACK | _DELETION,  # it may roll back, or uninstall
    Action.ROLLBACK: _ROLLBACK,
    Action.UNINSTALL: _DELETION,
    Action.TEST: _TESTS,
    Action.STATUS: frozenset[str](),
    Action.DIFF: frozenset[str](),
}


class Rendering(msgspec.Struct, frozen=True):
    """What an operation works on: `objects` are what it makes or removes, `hooks` what it runs."""

    objects: tuple[Identity, ...] = ()
    hooks: tuple[Identity, ...] = ()


class DryRun(msgspec.Struct, frozen=True):
    """What helm would make, as `upgrade --dry-run -o json` tells it."""

    manifest: str = ""
    hooks: tuple[Hook, ...] = ()


async def dry_run(helm: Helm) -> DryRun:
    """Have helm render the chart against the cluster. Raises AdapterError with its message."""
    await credentials.prepare(helm)
    answer = await helm.ask(helm.commands.dry_run(), DRY_RUN_TIMEOUT)
    if answer.code != 0:
        said = one_line(answer.stderr) or f"helm upgrade --dry-run: exit {answer.code}"
        raise refused(helm.settings, said)
    try:
        return msgspec.json.decode(answer.stdout, type=DryRun)
    except msgspec.MsgspecError as error:
        raise AdapterError(f"helm upgrade --dry-run: {error}") from error


async def prepare(helm: Helm, history: History) -> Rendering:
    """Find it out and keep it for the later phases. Raises AdapterError."""
    match helm.settings.action:
        case Action.ROLLBACK:
            made = await of_revision(helm, rollback_target(helm, history))
        case Action.TEST if history.latest is None:
            raise refused(helm.settings, NOT_FOUND)
        case Action.UPGRADE:
            found = await dry_run(helm)
            hooks = [resource for hook in found.hooks for resource in objects(hook.manifest)]
            made = Rendering(identities(objects(found.manifest)), _that_run(hooks, helm))
        case _ if history.latest is None:
            made = Rendering()
        case _:
            made = await of_revision(helm)
    write_private(helm.at.rendering, msgspec.json.encode(made))
    return made


async def of_revision(helm: Helm, number: int | None = None) -> Rendering:
    """What a revision consists of, the latest by default."""
    hooks = await text_of(helm, helm.commands.hooks(number))
    return Rendering(await objects_of(helm, number), _that_run(objects(hooks), helm))


async def objects_of(helm: Helm, number: int | None = None) -> tuple[Identity, ...]:
    """The same without its hooks."""
    return identities(objects(await text_of(helm, helm.commands.manifest(number))))


async def would_be(helm: Helm, history: History) -> list[dict[str, Any]]:
    """The objects of an upgrade, its hooks among them. Raises AdapterError.

    While an operation is pending helm refuses to say; then the chart alone is rendered.
    """
    if history.pending is None:
        found = await dry_run(helm)
        hooks = [resource for hook in found.hooks for resource in objects(hook.manifest)]
        return [*objects(found.manifest), *hooks]
    await credentials.prepare(helm)
    answer = await helm.ask(helm.commands.template(), DRY_RUN_TIMEOUT)
    if answer.code != 0:
        raise refused(helm.settings, one_line(answer.stderr) or f"helm template: {answer.code}")
    return objects(answer.stdout)


async def what_is(helm: Helm, history: History) -> list[dict[str, Any]]:
    """The objects of what is deployed, else of the latest revision, with hooks."""
    revision = history.deployed or history.latest
    if revision is None:
        return []
    number = revision.revision
    manifest = await text_of(helm, helm.commands.manifest(number))
    hooks = await text_of(helm, helm.commands.hooks(number))
    return [*objects(manifest), *objects(hooks)]


def _that_run(hooks: list[dict[str, Any]], helm: Helm) -> tuple[Identity, ...]:
    """Those that this action runs: others of the release may be somebody else's work."""
    wanted = _EVENTS[helm.settings.action]
    return identities([hook for hook in hooks if not wanted.isdisjoint(_events(hook))])


def _events(hook: dict[str, Any]) -> list[str]:
    notes = (hook.get("metadata") or {}).get("annotations") or {}
    return [event.strip() for event in str(notes.get("helm.sh/hook", "")).split(",")]


async def text_of(helm: Helm, argv: list[str]) -> str:
    """What `helm get` gives. Raises AdapterError."""
    answer = await helm.ask(argv)
    if answer.code != 0:
        raise AdapterError(one_line(answer.stderr) or f"helm get: {answer.code}")
    return answer.stdout


def read(helm: Helm) -> Rendering:
    """What `prepare` found; nothing where it did not come to that."""
    try:
        return msgspec.json.decode(helm.at.rendering.read_bytes(), type=Rendering)
    except FileNotFoundError:
        return Rendering()
