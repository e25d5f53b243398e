"""The composition root: the only module that knows every part.

    python -m orchestrator.daemon --config DIRECTORY [--strict] [--log-level LEVEL]

Stopping is crash-only: no more requests, the writer drained, and out, without unwinding what the
attempts do. Tools that run do not notice, and the next start adopts them.
"""

import argparse
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from secrets import token_hex
from socket import AF_UNIX, SOCK_DGRAM
from socket import socket as Socket
from typing import NoReturn

import msgspec
import structlog
import trio

from orchestrator import config, log_output
from orchestrator.api.app import create_app
from orchestrator.api.listening import SocketUnusable, listening
from orchestrator.api.server import Server
from orchestrator.builtin.modules import MODULES
from orchestrator.config import ConfigurationInvalid
from orchestrator.core.language import commands as cmd
from orchestrator.core.language.definition import Configuration
from orchestrator.core.language.words import Role
from orchestrator.core.rules.permissions import demand
from orchestrator.engine.attempt.claims import ClaimBook
from orchestrator.engine.attempt.step import StepServices
from orchestrator.engine.attempt.workbench import Workbench
from orchestrator.engine.clock import SystemClock
from orchestrator.engine.engine import Engine, Reloaded, running
from orchestrator.engine.live import Live
from orchestrator.engine.paths import Paths
from orchestrator.engine.secrets.secret_sources import SecretSources
from orchestrator.engine.watchdog import Watchdog
from orchestrator.engine.writer import Writer
from orchestrator.plugin import registry
from orchestrator.process.delegation import delegated_cgroup
from orchestrator.process.host import ProcessHost
from orchestrator.process.identity import read_boot_id
from orchestrator.process.threads import in_thread
from orchestrator.store.errors import StoreError
from orchestrator.store.protocol import Loaded, Store
from orchestrator.store.restore import restore
from orchestrator.store.sqlite import open_store

log = structlog.get_logger(__name__)

EXIT_CONFIGURATION = 2
EXIT_OURS = 9
PRIVATE = 0o077
"""The umask: logs and state are ours alone; the socket gets its mode by itself."""
FIRST_PASSED_DESCRIPTOR = 3


class Unstartable(Exception):
    """The daemon can't start; the message says why and what to do."""


class Settings(msgspec.Struct, frozen=True):
    """How the daemon was called."""

    directory: Path
    strict: bool
    log_level: str = "info"


class Reading(msgspec.Struct, frozen=True):
    """What a configuration directory says now; without a configuration where it has mistakes."""

    configuration: Configuration | None
    mistakes: tuple[str, ...] = ()


class Daemon:
    """One configuration directory and its plugins: what an engine is run in."""

    def __init__(
        self,
        settings: Settings,
        installed: registry.Registry,
        opener: Callable[[Path], AbstractAsyncContextManager[Store]] = open_store,
    ) -> None:
        self.settings = settings
        self.directory = settings.directory
        self.clock = SystemClock()
        self.mistakes: tuple[str, ...] = ()
        self._registry = installed
        self._open_store = opener
        self.at_work: Engine | None = None
        """The engine, once the state was read."""

    @property
    def plugins(self) -> tuple[registry.LoadedPlugin, ...]:
        """The plugins, the broken ones too."""
        return self._registry.plugins

    def authorize(self, user: str, action: str, target: str) -> bool | None:
        """What plugins say of a request."""
        return self._registry.authorize(user, action, target)

    async def reload(self, caller: cmd.Caller) -> Reloaded:
        """Read the directory again; with any mistake nothing changes."""
        assert self.at_work is not None
        reading = await in_thread(self._read)
        if reading.configuration is None:
            demand(caller, Role.ADMIN, "reloading", self.at_work.writer.world.configuration)
            return Reloaded(changed=False, mistakes=reading.mistakes)
        request = _acceptance(reading.configuration, caller)
        recorded = await self.at_work.execute(request)
        self.mistakes = ()
        return Reloaded(changed=bool(recorded))

    def die(self, error: Exception) -> NoReturn:
        """End at once; who restarts us finds what is on disk."""
        log.critical("the state on disk is not known: leaving", error=str(error))
        _leave(EXIT_OURS)

    def _read(self) -> Reading:
        try:
            return Reading(config.read(self.directory, self._registry))
        except ConfigurationInvalid as invalid:
            return Reading(None, tuple(str(mistake) for mistake in invalid.mistakes))

    async def serve(self) -> None:
        """Run until a signal says stop. Raises Unstartable, StoreError, SocketUnusable."""
        reading = self._read()
        if self.settings.strict:
            self._demand_all_sound(reading)
        for problem in self._registry.problems:
            log.error("plugin broken", plugin=problem.plugin, problem=problem.text)
        if reading.configuration is not None:
            state_dir = Path(reading.configuration.state_dir)
        else:
            state_dir = config.state_directory(self.directory)
        async with self._open_store(state_dir) as store:
            await self._serve(store, reading, state_dir)

    def _demand_all_sound(self, reading: Reading) -> None:
        """A plugin that is not there denies nobody anything, and no request would tell."""
        faults = [*reading.mistakes, *map(str, self._registry.problems)]
        if faults:
            raise Unstartable("\n".join(faults))

    async def _serve(self, store: Store, reading: Reading, state_dir: Path) -> None:
        loaded = await store.load()
        configuration = reading.configuration or self._last_accepted(loaded, reading.mistakes)
        with _listener(Path(configuration.socket)) as socket:
            engine = self.engine(store, loaded, state_dir)
            self.at_work = engine
            opening: list[cmd.Command] = [
                _acceptance(configuration, None),
                cmd.OpenDaemon(
                    version=version("deploy-orchestrator"), pid=os.getpid(), seed=token_hex(16)
                ),
            ]
            async with running(engine, opening):
                try:
                    await _answer_requests(engine, socket, configuration.socket)
                except Exception:
                    log.exception("the daemon broke down")
                    _leave(EXIT_OURS)  # unwinding would ask tools to stop

    def _last_accepted(self, loaded: Loaded, mistakes: tuple[str, ...]) -> Configuration:
        if loaded.configuration is None:
            raise Unstartable("\n".join(mistakes))
        self.mistakes = mistakes
        log.error(
            "the configuration has mistakes: going on with the last one that was accepted",
            directory=str(self.directory),
            mistakes=list(mistakes),
        )
        return loaded.configuration.configuration

    def engine(self, store: Store, loaded: Loaded, state_dir: Path) -> Engine:
        """All parts put together, not yet at work."""
        world = restore(loaded, self.clock.now())
        return Engine(world, store, self.clock, self, partial(self._workbench, state_dir))

    def _workbench(self, state_dir: Path, writer: Writer, live: Live) -> Workbench:
        paths = Paths(state_dir)
        host = ProcessHost(paths.keeper, cgroup_root=delegated_cgroup())
        claims = ClaimBook(state_dir, host, read_boot_id(), lambda: self.clock.now().utc)
        services = StepServices(processes=host, claims=claims)
        credentials = os.environ.get("CREDENTIALS_DIRECTORY")
        sources = SecretSources(self._registry.secrets, Path(credentials) if credentials else None)
        return Workbench(
            self._registry.adapters, services, paths, writer, live, os.environ, sources
        )


def _acceptance(configuration: Configuration, caller: cmd.Caller | None) -> cmd.AcceptConfiguration:
    return cmd.AcceptConfiguration(configuration, config.fingerprint(configuration), caller)


@contextmanager
def _listener(path: Path) -> Iterator[Socket]:
    """The socket that systemd hands over (sd_listen_fds(3)), else one of our own at `path`."""
    if os.environ.get("LISTEN_PID") == str(os.getpid()) and os.environ.get("LISTEN_FDS") == "1":
        with Socket(fileno=FIRST_PASSED_DESCRIPTOR) as socket:
            socket.set_inheritable(False)
            yield socket
    else:
        with listening(path) as socket:
            yield socket


async def _answer_requests(engine: Engine, socket: Socket, path: str) -> None:
    """Serve until a signal says stop."""
    server = Server(create_app(engine), os.geteuid())
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:
            await nursery.start(server.serve, socket)
            gc.freeze()  # what was restored stays: collections need not look at it again
            log.info("ready", socket=path, pid=os.getpid())
            notify_systemd("READY=1")
            async for received in signals:
                log.info("stopping", signal=signal.Signals(received).name)
                notify_systemd("STOPPING=1")
                nursery.cancel_scope.cancel()
                with trio.CancelScope(shield=True):
                    await engine.writer.close()
                _leave(0)


def _leave(status: int) -> NoReturn:
    """End here, without unwinding what the attempts do."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def notify_systemd(state: str) -> None:
    """Tell systemd, where it started us (sd_notify(3)). That it can't be told ends nothing."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with Socket(AF_UNIX, SOCK_DGRAM) as notify, suppress(OSError):
        notify.connect("\0" + address[1:] if address.startswith("@") else address)
        notify.sendall(state.encode())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a daemon; the exit status is that of the command line's table."""
    settings = _settings(arguments)
    log_output.configure(settings.log_level)
    os.umask(PRIVATE)
    status = 0
    try:
        trio.run(Daemon(settings, registry.load(MODULES)).serve, instruments=[Watchdog()])
    except* (Unstartable, StoreError, SocketUnusable) as group:
        status = EXIT_CONFIGURATION
        for error in _causes(group):
            print(f"error: {log_output.neutral(str(error))}", file=sys.stderr)
    return status


def _causes(group: BaseExceptionGroup[Exception]) -> Iterator[Exception]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _causes(error)
        else:
            yield error


def _settings(arguments: Sequence[str] | None) -> Settings:
    parser = argparse.ArgumentParser(prog="orchestrator serve")
    parser.add_argument("--config", metavar="DIR", default="/etc/orchestrator", type=Path)
    parser.add_argument(
        "--strict", action="store_true", help="refuse a broken configuration or plugin"
    )
    parser.add_argument("--log-level", choices=log_output.LEVELS, default="info")
    given = parser.parse_args(arguments)
    return Settings(given.config.absolute(), given.strict, given.log_level)


if __name__ == "__main__":
    sys.exit(main())
