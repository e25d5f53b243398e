"""Loading plugins: never at import, each by itself, so that a broken one is only reported."""

import functools
import inspect
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any, TypeAlias

import msgspec
import pluggy

from orchestrator.plugin.adapter import Adapter
from orchestrator.plugin.api_version import API_VERSION, misfit, stated, written
from orchestrator.plugin.hookspecs import GROUP, Hooks
from orchestrator.plugin.secrets import SecretSource

_log = logging.getLogger(__name__)

Authorize: TypeAlias = Callable[[str, str, str], bool | None]
"""`(user, action, target)`: False denies, None (or True) leaves it to the roles."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class PluginProblem(msgspec.Struct, frozen=True):
    """What is wrong with a plugin; it brings nothing, or not all that it should."""

    plugin: str
    text: str

    def __str__(self) -> str:
        return f"plugin {self.plugin}: {self.text}"


class LoadedPlugin(msgspec.Struct, frozen=True):
    """One plugin: a module of ours, or an installed distribution's entry point.

    `api` is the version of the plugin API that it states.
    """

    name: str
    version: str | None = None
    adapters: tuple[str, ...] = ()
    problem: PluginProblem | None = None
    api: str | None = None


class Registry(msgspec.Struct, frozen=True):
    """All that plugins bring. `adapters` are by name, as `uses` says it, `secrets` as `plugin`."""

    adapters: dict[str, Adapter[Any]]
    plugins: tuple[LoadedPlugin, ...]
    authorize: Authorize
    secrets: dict[str, SecretSource] = {}

    def plugin_of(self, adapter: str) -> str:
        """The name of the plugin that brings the adapter, for messages."""
        owners = (plugin.name for plugin in self.plugins if adapter in plugin.adapters)
        return next(owners, "(unknown)")

    @property
    def problems(self) -> tuple[PluginProblem, ...]:
        """What is wrong with plugins, in the order of loading."""
        return tuple(plugin.problem for plugin in self.plugins if plugin.problem is not None)


class _Candidate(msgspec.Struct):
    """A plugin while it is being loaded."""

    name: str
    version: str | None
    builtin: bool
    load: Callable[[], object]
    api: str | None = None
    problems: list[str] = []
    adapters: dict[str, Adapter[Any]] = {}
    secrets: dict[str, SecretSource] = {}


def load(
    builtin: Sequence[ModuleType] = (),
    installed: Iterable[EntryPoint] | None = None,
) -> Registry:
    """Load our own plugin modules, then every entry point of the group `orchestrator`.

    `installed` takes the place of the entry points that are installed.
    """
    found = entry_points(group=GROUP) if installed is None else installed
    candidates = [_of_module(module) for module in builtin]
    candidates += _of_entry_points(found)
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(Hooks)
    for candidate in candidates:
        _register(manager, candidate)
    _refuse_unknown_hooks(manager, candidates)
    for candidate in candidates:
        _collect(manager, candidate, _ADAPTERS)
        _collect(manager, candidate, _SECRETS)
    _refuse_duplicates(candidates, _ADAPTERS)
    _refuse_duplicates(candidates, _SECRETS)
    return Registry(
        adapters={name: a for candidate in candidates for name, a in candidate.adapters.items()},
        plugins=tuple(_loaded(candidate) for candidate in candidates),
        authorize=functools.partial(_authorize, manager),
        secrets={name: one for candidate in candidates for name, one in candidate.secrets.items()},
    )


def _of_module(module: ModuleType) -> _Candidate:
    """One of ours has our version: both are released together."""
    return _Candidate(module.__name__, None, True, lambda: module, written(API_VERSION))


def _of_entry_points(found: Iterable[EntryPoint]) -> list[_Candidate]:
    ordered = sorted(found, key=lambda point: (_distribution(point), point.name))
    count = Counter(_distribution(point) for point in ordered)
    return [
        _Candidate(
            name=_plugin_name(point, alone=count[_distribution(point)] == 1),
            version=point.dist.version if point.dist else None,
            builtin=False,
            load=point.load,
        )
        for point in ordered
    ]


def _plugin_name(point: EntryPoint, *, alone: bool) -> str:
    """The distribution, which is what people install; with the entry point if it has several."""
    if point.dist is None:
        return point.name
    return point.dist.name if alone else f"{point.dist.name}:{point.name}"


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else ""


def _register(manager: pluggy.PluginManager, candidate: _Candidate) -> None:
    if manager.has_plugin(candidate.name):
        candidate.problems.append("another plugin has this name: uninstall one")
        return
    try:
        plugin = candidate.load()
        if _fits(candidate, plugin):
            manager.register(plugin, name=candidate.name)
    except KeyboardInterrupt as interrupt:
        raise _interrupted(candidate) from interrupt
    except (Exception, SystemExit) as error:
        candidate.problems.append(f"could not be loaded: {_in_words(error)}")
        if manager.has_plugin(candidate.name):
            manager.unregister(name=candidate.name)


def _fits(candidate: _Candidate, plugin: object) -> bool:
    """Whether it was written for a plugin API that we have. Before its hooks are looked at: those
    of another version may well be wrong here."""
    if candidate.builtin:
        return True
    try:
        candidate.api = stated(plugin)
        fault = misfit(candidate.name, candidate.api)
    except ValueError as unreadable:
        fault = str(unreadable)
    if fault is not None:
        candidate.problems.append(fault)
    return fault is None


def _refuse_unknown_hooks(manager: pluggy.PluginManager, candidates: list[_Candidate]) -> None:
    """A hook that we do not have is a plugin for another version: none of it is used."""
    while True:
        try:
            manager.check_pending()
        except pluggy.PluginValidationError as error:
            name = manager.get_name(error.plugin)
            manager.unregister(error.plugin)
            for candidate in candidates:
                if candidate.name == name:
                    candidate.problems.append(f"has a hook that does not exist: {error}")
        else:
            return


class _Collected(msgspec.Struct, frozen=True):
    """One hook that brings things by name: what they are called, and what is wrong with one."""

    hook: str
    one: str
    several: str
    fault: Callable[[Any], str | None]
    of: Callable[[_Candidate], dict[str, Any]]


def _collect(manager: pluggy.PluginManager, candidate: _Candidate, what: _Collected) -> None:
    if candidate.problems:
        return
    for hook in getattr(manager.hook, what.hook).get_hookimpls():
        if hook.plugin_name != candidate.name:
            continue
        try:
            brought = hook.function()
        except KeyboardInterrupt as interrupt:
            raise _interrupted(candidate) from interrupt
        except (Exception, SystemExit) as error:
            candidate.problems.append(f"{what.hook} failed: {_in_words(error)}")
            continue
        _keep_sound(candidate, brought, what)


def _keep_sound(candidate: _Candidate, brought: object, what: _Collected) -> None:
    if inspect.iscoroutine(brought):
        brought.close()
    if not isinstance(brought, Sequence) or isinstance(brought, str):
        candidate.problems.append(
            f"{what.hook} must return a list of {what.several}, not {type(brought).__name__}"
        )
        return
    kept = what.of(candidate)
    for thing in brought:
        fault = what.fault(thing)
        if fault is None and thing.name in kept:
            fault = f"it brings two {what.several} named {thing.name}"
        if fault is None:
            kept[thing.name] = thing
        else:
            candidate.problems.append(fault)


def _adapter_fault(adapter: object) -> str | None:
    kind = type(adapter).__name__
    if not isinstance(adapter, Adapter):
        return f"{kind} is no orchestrator.plugin.Adapter"
    if fault := _name_fault(adapter):
        return fault
    config_type = getattr(adapter, "config_type", None)
    if not isinstance(config_type, type) or not issubclass(config_type, msgspec.Struct):
        return f"{kind}.config_type must be a msgspec.Struct, not {config_type!r}"
    return None


def _secrets_fault(source: object) -> str | None:
    if not inspect.iscoroutinefunction(getattr(source, "read", None)):
        return f"{type(source).__name__} has no async method read(settings) to get secrets by"
    return _name_fault(source)


def _name_fault(thing: object) -> str | None:
    name = getattr(thing, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        kind = type(thing).__name__
        return f"{kind}.name must be letters, digits, `-` and `_`, not {name!r}"
    return None


_ADAPTERS = _Collected(
    "orchestrator_adapters", "adapter", "adapters", _adapter_fault, lambda one: one.adapters
)
_SECRETS = _Collected(
    "orchestrator_secrets",
    "source of secrets",
    "sources of secrets",
    _secrets_fault,
    lambda one: one.secrets,
)


def _refuse_duplicates(candidates: list[_Candidate], what: _Collected) -> None:
    """A name belongs to one plugin. One of ours stays; between two others, neither is used."""
    owners: dict[str, list[_Candidate]] = {}
    for candidate in candidates:
        for name in what.of(candidate):
            owners.setdefault(name, []).append(candidate)
    for name, owning in owners.items():
        for candidate in owning:
            others = [other.name for other in owning if other is not candidate]
            if others and not candidate.builtin:
                del what.of(candidate)[name]
                candidate.problems.append(
                    f"{what.one} {name} is brought by {' and '.join(others)} too: uninstall one"
                )


def _loaded(candidate: _Candidate) -> LoadedPlugin:
    text = "; ".join(candidate.problems)
    problem = PluginProblem(candidate.name, text) if text else None
    adapters = tuple(candidate.adapters)
    return LoadedPlugin(candidate.name, candidate.version, adapters, problem, candidate.api)


def _authorize(manager: pluggy.PluginManager, user: str, action: str, target: str) -> bool | None:
    """Ask the plugins in turn, the last registered first. One that fails denies."""
    for hook in reversed(manager.hook.orchestrator_authorize.get_hookimpls()):
        given = {"user": user, "action": action, "target": target}
        try:
            answer = hook.function(*(given[name] for name in hook.argnames))
        except (Exception, SystemExit):
            _log.exception("plugin %s failed in orchestrator_authorize", hook.plugin_name)
            return False
        if inspect.iscoroutine(answer):
            answer.close()
        if answer is not None and not isinstance(answer, bool):
            _log.error("plugin %s: orchestrator_authorize gave no bool", hook.plugin_name)
            return False
        if answer is not None:
            return answer
    return None


def _interrupted(candidate: _Candidate) -> KeyboardInterrupt:
    """By Ctrl-C, which ends all; or the plugin raised it by itself, and nobody would know which."""
    return KeyboardInterrupt(f"interrupted while plugin {candidate.name} was loaded")


def _in_words(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    words = f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
    if isinstance(error, ImportError) and (error.name or "").startswith("orchestrator.plugin"):
        words += f"; this release has version {written(API_VERSION)} of the plugin API"
    return words
