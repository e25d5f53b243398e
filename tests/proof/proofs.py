"""Every proof there is: a part of the suite with `--effort proof`."""

from typing import NamedTuple


class Proof(NamedTuple):
    """One proof. Its tests print one line `proof NAME: FIGURES`."""

    name: str
    what: str
    tests: tuple[str, ...]
    """What pytest is given: paths and options."""
    workers: str = "auto"


PROOFS = (
    Proof(
        "simulation",
        "the real engine through crashes, reboots and failing disks, in virtual time",
        ("tests/simulation/test_simulation.py",),
    ),
    Proof(
        "properties",
        "random histories, pipelines, files and values against the rules",
        ("-m", "seeded", "tests", "--ignore", "tests/simulation"),
    ),
    Proof(
        "kills-command",
        "the daemon killed at named and at random moments under commands",
        ("tests/e2e/test_kills_command.py",),
        workers="0",
    ),
    Proof(
        "kills-terraform",
        "the same under terraform",
        ("tests/e2e/test_kills_terraform.py",),
        workers="0",
    ),
    Proof(
        "kills-spinnaker",
        "the same under Orca's executions",
        ("tests/e2e/test_kills_spinnaker.py",),
        workers="0",
    ),
    Proof(
        "spinnaker-example",
        "a deploy of twenty stages fails in each that may, and its cleanup follows alone",
        ("tests/e2e/test_spinnaker_exclusion.py",),
        workers="0",
    ),
    Proof(
        "helm-matrix",
        "every action in every state of a release, killed at every moment, under each helm",
        ("-m", "kubernetes", "plugins/helm", "tests/e2e/test_helm_example.py"),
    ),
    Proof(
        "bare-machine",
        "the whole suite on a Debian of its smallest set of packages, as an ordinary user",
        ("tests/proof/on_a_bare_machine.py",),
        workers="0",
    ),
)
