"""orchestrator.toml: the daemon's own settings, roles and kinds."""

from collections.abc import Mapping

import msgspec

from orchestrator.config.child_variables import refused
from orchestrator.config.document import Document
from orchestrator.config.files import KindTable, OrchestratorFile
from orchestrator.config.paths import LONGEST_SOCKET
from orchestrator.config.reading import Reader
from orchestrator.config.secrets import without_plugin_settings
from orchestrator.core.language.rejections import did_you_mean, near

DEFAULT_KINDS: Mapping[str, tuple[str, ...]] = {
    "deploy": ("deploy", "cleanup"),
    "cleanup": ("deploy", "cleanup"),
}
"""The kinds that exist without being written."""


class MainFile(msgspec.Struct, frozen=True):
    """What orchestrator.toml says, with its kinds complete."""

    table: OrchestratorFile
    kinds: dict[str, tuple[str, ...]]


def read_main(document: Document) -> MainFile:
    """Read orchestrator.toml; mistakes are reported to the document."""
    table = Reader(document).table(OrchestratorFile, without_plugin_settings(document.data))
    kinds = _kinds(table.kinds, document)
    for place, name in enumerate(table.pass_env):
        if refused(name.removesuffix("*"), table.allow_env):
            document.report(
                ("pass_env", place),
                f"{name} changes what tools do behind their arguments, so it is refused "
                "unless `allow_env` names it",
            )
    return MainFile(table, kinds)


def _kinds(written: Mapping[str, KindTable], document: Document) -> dict[str, tuple[str, ...]]:
    kinds = {**DEFAULT_KINDS, **{name: kind.excludes for name, kind in written.items()}}
    for name, kind in written.items():
        for place, other in enumerate(kind.excludes):
            if other and other not in kinds:
                guess = did_you_mean(near(other, kinds)) or f" (kinds: {', '.join(sorted(kinds))})"
                document.report(
                    ("kinds", name, "excludes", place), f'there is no kind "{other}"{guess}'
                )
    return kinds


def report_socket(document: Document, socket: str) -> None:
    """A unix socket's path has a length that the kernel bounds."""
    size = len(socket.encode("utf-8", "surrogateescape"))
    if size > LONGEST_SOCKET:
        document.report(
            ("socket",),
            f"{socket} is {size} bytes long; a unix socket's path has {LONGEST_SOCKET} at most",
        )
