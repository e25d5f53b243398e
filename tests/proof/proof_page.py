"""The table in docs/proof.md: read, and written again with one row changed."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from tests.proof.proofs import PROOFS

HEADER = "| proof | what | figures | commit | date |\n|---|---|---|---|---|\n"
_ROW = re.compile(
    r"\| `(?P<name>[^`]+)` \|[^|]*\| (?P<figures>[^|]*) \| (?P<commit>\w*) \| (?P<date>\S*) \|"
)


class Row(NamedTuple):
    """When a proof was run last, and what it found."""

    figures: str
    commit: str
    date: str


def read(page: str) -> dict[str, Row]:
    """The rows of proofs that have been run, by name."""
    found = (match.groupdict() for match in map(_ROW.fullmatch, page.splitlines()) if match)
    return {
        row["name"]: Row(row["figures"], row["commit"], row["date"])
        for row in found
        if row["commit"]
    }


def written(page: str, rows: Mapping[str, Row]) -> str:
    """The page with these rows in its table; all other text stays."""
    before, header, after = page.partition(HEADER)
    assert header, "the page has no table of proofs"
    rest = after.splitlines(keepends=True)
    while rest and rest[0].startswith("|"):
        rest.pop(0)
    none = Row("not run yet", "", "")
    table = "".join(
        f"| `{proof.name}` | {proof.what} | {' | '.join(rows.get(proof.name, none))} |\n"
        for proof in PROOFS
    )
    return before + header + table + "".join(rest)
