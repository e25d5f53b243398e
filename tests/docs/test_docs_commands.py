"""Every `orchestrator VERB --option` in the documentation exists."""

import re
from pathlib import Path

import pytest

from orchestrator.cli.arguments import parser_of
from orchestrator.cli.catalogue import ALIASES, SYNOPSIS
from orchestrator.core.language import planned
from tests.docs.pages import PAGES, code, name_of

CALL = re.compile(r"(?<![\w/.-])orchestrator ([a-z][a-z-]*)([^;|&)#]*)")
SUBSTITUTION = re.compile(r"\$\([^)]*\)")
OPTION = re.compile(r"(?<!\S)(--?[a-z][a-z-]*)")
UNITS = re.compile(r"^(\$ )?(systemctl|journalctl|pip|cp|ln|install|usermod) |-u orchestrator")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_and_options_exist(page: Path) -> None:
    unknown = []
    for line in code(page):
        if UNITS.search(line):
            continue
        for verb, rest in CALL.findall(SUBSTITUTION.sub("", line)):
            known = ALIASES.get(verb, verb)
            if known not in SYNOPSIS:
                unknown.append(f"{verb} ({line})")
                continue
            options = parser_of(known)._option_string_actions
            unknown += [f"{verb} {o}" for o in OPTION.findall(rest) if o not in options]
    assert unknown == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_verb_that_is_only_planned(page: Path) -> None:
    named = {verb for line in code(page) for verb, _ in CALL.findall(line)}
    assert named & planned.VERBS == set()


def test_there_are_calls_to_check() -> None:
    verbs = {verb for page in PAGES for line in code(page) for verb, _ in CALL.findall(line)}
    assert {"submit", "explain", "cancel", "environment", "recheck", "waive"} <= verbs
