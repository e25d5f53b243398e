"""`serve`: the daemon, in the foreground, in the place of this process."""

from __future__ import annotations

import os
import sys

from orchestrator.cli.client.errors import UsageMistake
from orchestrator.cli.configuration import add_config_option, configuration_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from typing import NoReturn

    from orchestrator.cli.view.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """What may be typed after the verb."""
    add_config_option(parser)
    parser.add_argument(
        "--strict",
        action="store_true",
        help="refuse to start when the configuration has mistakes or a plugin is not loaded",
    )
    parser.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="info",
        help="how much the daemon writes to stderr (info)",
    )


def run(options: Namespace, terminal: Terminal) -> NoReturn:
    """Become the daemon. The module path does not include the working directory (-P)."""
    if options.socket_given:
        raise UsageMistake("serve takes its socket from orchestrator.toml: socket = …")
    directory = configuration_directory(options.config)
    words = [sys.executable, "-P", "-m", "orchestrator.daemon", "--config", directory]
    if options.strict:
        words.append("--strict")
    words += ["--log-level", options.log_level]
    os.execv(sys.executable, words)  # noqa: S606 - no shell is meant to be there
