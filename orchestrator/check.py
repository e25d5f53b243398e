"""The composition root of `orchestrator check --online`.

    python -m orchestrator.check --config DIRECTORY [--json]

It runs after `check` has found no mistake, as the user who typed it, and changes nothing.
"""

import argparse
import json
import sys
from pathlib import Path

import trio

from orchestrator import config
from orchestrator.builtin.modules import MODULES
from orchestrator.engine.attempt.online_check import check_online
from orchestrator.log_output import neutral
from orchestrator.plugin import Severity, registry

EXIT_MISTAKES = 2


def main() -> int:
    """Print what the tools and servers say; 2 if any of it is an error."""
    parser = argparse.ArgumentParser(prog="orchestrator check --online")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    plugins = registry.load(MODULES)
    configuration = config.read(given.config, plugins)
    found = trio.run(check_online, configuration, plugins.adapters, plugins.secrets)
    for finding in found:
        if given.json:
            fields = {"file": finding.origin, "step": finding.step, "text": finding.text}
            fields |= {"environment": finding.environment, "severity": finding.severity.value}
            print(json.dumps(fields))
        else:
            print(neutral(str(finding)))
    errors = sum(finding.severity is Severity.ERROR for finding in found)
    steps = sum(len(pipeline.steps) for pipeline in configuration.pipelines.values())
    found_words = "no error" if not errors else f"{errors} error{'s' if errors > 1 else ''}"
    asked = f"{steps} step{'' if steps == 1 else 's'}"
    print(f"asked about {asked}: {found_words}", file=sys.stderr)
    return EXIT_MISTAKES if errors else 0


if __name__ == "__main__":
    sys.exit(main())
