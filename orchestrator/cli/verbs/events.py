"""`events`: the journal as a stream."""

from __future__ import annotations

import json

from orchestrator.cli.arguments import position
from orchestrator.cli.client.daemon import AWAY, Daemon
from orchestrator.cli.client.errors import AnswerLost, NotHttp
from orchestrator.cli.client.exits import Exit
from orchestrator.cli.client.sse import EventReader
from orchestrator.cli.staying.watch import SILENT_SECONDS
from orchestrator.cli.view.event import event_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.client.connection import Exchange
    from orchestrator.cli.client.sse import ServerEvent
    from orchestrator.cli.view.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """What may be typed after the verb."""
    parser.add_argument("-f", "--follow", action="store_true", help="go on as they happen")
    parser.add_argument("--since", metavar="ID", type=position, help="only those after this one")


def run(options: Namespace, terminal: Terminal) -> int:
    """Print a line (with --json an object) an event."""
    try:
        EventPrinter(Daemon(options.socket), options.follow, options.since, terminal).run()
    except KeyboardInterrupt:
        return Exit.DETACHED
    return Exit.DONE


class EventPrinter:
    """Prints the journal from a place on; goes on there when the daemon was away."""

    def __init__(self, daemon: Daemon, follow: bool, since: int | None, terminal: Terminal) -> None:
        self._daemon = daemon
        self._follow = follow
        self._since = since
        self._last = ""
        self._terminal = terminal

    def run(self) -> None:
        """To the end of the journal; with `follow`, until nobody reads."""
        exchange = self._daemon.returning(self._open)
        while True:
            try:
                with exchange:
                    self._print(exchange)
                if not self._follow or self._terminal.reader_gone:
                    return
                raise AnswerLost("the daemon ended the stream")
            except AWAY as error:
                exchange = self._daemon.returning(self._open, first=error)

    def _open(self) -> Exchange:
        headers = {"Last-Event-ID": self._last} if self._last else {}
        since = None if self._last else self._since
        return self._daemon.stream("/v1/events", headers, since=since, follow=self._follow)

    def _print(self, exchange: Exchange) -> None:
        reader = EventReader()
        while not (exchange.finished or self._terminal.reader_gone):
            for event in reader.feed(exchange.receive(SILENT_SECONDS)):
                self._show(event)

    def _show(self, event: ServerEvent) -> None:
        try:
            document = json.loads(event.data)
        except ValueError as error:
            raise NotHttp("the daemon sent an event that is not JSON") from error
        if self._terminal.as_json:
            self._terminal.object_line(document)
        else:
            self._terminal.line(event_line(document, self._terminal))
        if event.id.isascii() and event.id.isdecimal():
            self._last = event.id
