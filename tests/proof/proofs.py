"""Every proof there is: a part of the suite with `--effort proof`."""

from typing import NamedTuple

from tests.seed_budget import SHARES, TIMES, TOTAL, Effort

ENGINE = tuple(
    f"orchestrator/{layer}"
    for layer in ("core", "engine", "process", "store", "config", "plugin", "builtin")
)
"""What every proof is about."""
SET_UP = ("setup.sh", "Makefile", ".ci", "pyproject.toml", "constraints.txt")


class Proof(NamedTuple):
    """One proof. Its tests print one line `proof NAME: FIGURES`."""

    name: str
    what: str
    tests: tuple[str, ...]
    """What pytest is given: paths and options."""
    least: tuple[int, str]
    """A figure, and its noun in FIGURES: with fewer, something was left out or went wrong."""
    about: tuple[str, ...] = ENGINE
    """Files and directories: a change of them makes an older proof outdated."""
    workers: str = "auto"


def _seeds(share: int) -> int:
    return round(share * TIMES[Effort.PROOF])


PROOFS = (
    Proof(
        "simulation",
        "the real engine through crashes, reboots and failing disks, in virtual time",
        ("tests/simulation/test_simulation.py",),
        (_seeds(SHARES["simulation"].seeds), "seeds"),
    ),
    Proof(
        "properties",
        "random histories, pipelines, files and values against the rules",
        ("-m", "seeded", "tests", "--ignore", "tests/simulation"),
        # Half: Hypothesis ends where it has tried all that there is.
        (_seeds(TOTAL - SHARES["simulation"].seeds) // 2, "seeds"),
    ),
    Proof(
        "kills-command",
        "the daemon killed at named and at random moments under commands",
        ("tests/e2e/test_kills_command.py",),
        (100, "kills"),
        workers="0",
    ),
    Proof(
        "kills-terraform",
        "the same under terraform",
        ("tests/e2e/test_kills_terraform.py",),
        (100, "kills"),
        about=(*ENGINE, "plugins/terraform/orchestrator_terraform"),
        workers="0",
    ),
    Proof(
        "kills-spinnaker",
        "the same under Orca's executions",
        ("tests/e2e/test_kills_spinnaker.py",),
        (100, "kills"),
        about=(*ENGINE, "plugins/spinnaker/orchestrator_spinnaker"),
        workers="0",
    ),
    Proof(
        "spinnaker-example",
        "a deploy of twenty stages fails in each that may, and its cleanup follows alone",
        ("tests/e2e/test_spinnaker_exclusion.py",),
        (6, "failing stages"),
        about=(*ENGINE, "plugins/spinnaker/orchestrator_spinnaker"),
        workers="0",
    ),
    Proof(
        "helm-matrix",
        "every action in every state of a release, killed at every moment, under each helm",
        ("-m", "kubernetes", "plugins/helm", "tests/e2e/test_helm_example.py"),
        (200, "tests"),
        about=(*ENGINE, "plugins/helm/orchestrator_helm"),
    ),
    Proof(
        "bare-machine",
        "the whole suite on a Debian of its smallest set of packages, as an ordinary user",
        ("tests/proof/on_a_bare_machine.py",),
        (3_000, "passed"),
        about=("orchestrator", "plugins", *SET_UP),
        workers="0",
    ),
)
