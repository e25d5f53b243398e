"""What starting a verb costs: which modules it imports."""

import subprocess
import sys

import pytest

from orchestrator.cli.catalogue import SYNOPSIS

ALONE = {"init", "check", "serve", "schema", "completion", "doctor"}
"""Verbs that may import the rest of the project, when they run."""
HEAVY = {
    *("msgspec", "litestar", "trio", "anyio", "structlog", "pluggy", "shtab", "asyncio"),
    *("http", "urllib", "email", "logging", "subprocess", "shutil", "tempfile", "inspect"),
    *("typing", "dataclasses", "pathlib", "datetime"),
}
OWN = "orchestrator."


def loaded_by(code: str) -> set[str]:
    listed = subprocess.run(
        [sys.executable, "-S", "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=".",
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    return set(listed.stdout.split())


@pytest.mark.parametrize("verb", sorted(set(SYNOPSIS) - ALONE))
def test_verbs_import_little(verb: str) -> None:
    """A verb that talks to the daemon imports little."""
    already = loaded_by("import re, argparse, socket, json")
    loaded = loaded_by(
        "from orchestrator.cli import main\n"
        "from orchestrator.cli.arguments import parser_of\n"
        f"parser_of({verb!r})\n"
    )
    assert {name for name in loaded - already if name.split(".")[0] in HEAVY} == set()
    assert not any(n.startswith(OWN) and not n.startswith("orchestrator.cli") for n in loaded)


def test_staying_imports_no_other_package() -> None:
    """Staying with a job imports none of our other packages."""
    loaded = loaded_by("import orchestrator.cli.staying.stay, orchestrator.cli.staying.follow\n")
    assert not any(n.startswith(OWN) and not n.startswith("orchestrator.cli") for n in loaded)
    assert loaded.isdisjoint({"msgspec", "asyncio", "http", "trio"})


@pytest.mark.parametrize("verb", sorted(ALONE))
def test_even_other_verbs_build_their_parser_cheaply(verb: str) -> None:
    loaded = loaded_by(f"from orchestrator.cli.arguments import parser_of\nparser_of({verb!r})\n")
    assert "msgspec" not in loaded
    assert "shtab" not in loaded


def test_only_the_chosen_verb_is_imported() -> None:
    loaded = loaded_by("from orchestrator.cli.arguments import parser_of\nparser_of('jobs')\n")
    verbs = {name for name in loaded if name.startswith("orchestrator.cli.verbs.")}
    assert verbs == {"orchestrator.cli.verbs.jobs"}


def test_every_verb_is_a_module_with_its_parser() -> None:
    from orchestrator.cli.arguments import parser_of

    for verb in SYNOPSIS:
        assert parser_of(verb).format_help().startswith(f"usage: orchestrator {verb}")
