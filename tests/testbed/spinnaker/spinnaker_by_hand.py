"""A bed until Ctrl-C, to try things by hand: `python spinnaker_by_hand.py [PIPELINES.json]`.

The file holds a list of pipelines as Front50 keeps them; without it there are those of a shop:
`Deploy`, of twenty stages, and `Clean Up`.
"""

import argparse
import contextlib
import json
import signal
import sys
import tempfile
from pathlib import Path

from tests.testbed.spinnaker import spinnaker_build

# isort: split
from tests.testbed.spinnaker import spinnaker_bed
from tests.testbed.spinnaker.spinnaker_gate import Gate
from tests.testbed.spinnaker.spinnaker_pipelines import (
    Config,
    judgment,
    parameter,
    pipeline,
    verdict,
    wait,
)
from tests.testbed.spinnaker.spinnaker_users import ADA, BOB, DEPLOYER

APPLICATION = "shop"
TESTS = tuple(f"test {number}" for number in range(1, 13))


def shop() -> list[Config]:
    """What the pipelines of a team look like; the one must never run under the other."""
    canary = ("baseline", "canary")
    deploy = pipeline(
        "Deploy",
        verdict("bake", seconds=2),
        verdict("deploy to staging", seconds=3),
        *(verdict(name, seconds=2, after=["deploy to staging"]) for name in TESTS),
        *(verdict(name, seconds=1, after=TESTS) for name in canary),
        verdict("canary analysis", "${parameters.canary}", after=canary, seconds=3),
        judgment("release?", ["yes", "no"], instructions="Look at the canary's figures."),
        verdict("deploy to production", seconds=3, outputs={"url": "http://shop.example"}),
        wait("settle", 2),
        parameterConfig=[
            parameter("version", required=True),
            parameter("canary", "SUCCEEDED", label="what the canary's analysis ends with"),
        ],
        limitConcurrent=True,
    )
    clean_up = pipeline("Clean Up", wait("remove the canary", 5), limitConcurrent=True)
    return [one | {"application": APPLICATION} for one in (deploy, clean_up)]


def main() -> None:
    """Start it, say where it is, and end it at Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pipelines", type=Path, nargs="?")
    parser.add_argument("--port", type=int, default=8084, help="of Gate; 0 takes a free one")
    arguments = parser.parse_args()
    programs = spinnaker_build.location()
    if spinnaker_build.why_not() or not spinnaker_build.is_complete(programs):
        sys.exit("run `make testbed` first")
    configs = json.loads(arguments.pipelines.read_text()) if arguments.pipelines else shop()
    with (
        tempfile.TemporaryDirectory() as directory,
        contextlib.suppress(KeyboardInterrupt),
        spinnaker_bed.private(programs, Path(directory) / "bed") as bed,
        Gate(bed, port=arguments.port) as gate,
    ):
        gate.configure(*configs)
        print(f"Gate     {gate.url}\nOrca     {bed.orca}")
        for config in gate.configs:
            print(f"         {config['application']} / {config['name']}")
        users = ((ADA, "may execute"), (DEPLOYER, "may execute"), (BOB, "may only look"))
        for user, may in users:
            print(f"{user.name:<9}{may}: password {user.password}, token {user.token}")
        print("Ctrl-C ends it.", flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
