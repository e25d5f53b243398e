"""The table of proofs is read as it was written, and only its rows change."""

from tests.proof import proof_page
from tests.proof.proof_page import Row
from tests.proof.proofs import PROOFS

EMPTY = f"# Proofs\n\nText.\n\n{proof_page.HEADER}\nMore text.\n"
ROW = Row("20,000 seeds, 0 violations", "0123456789", "2026-11-30")


def test_a_row_is_read_as_written() -> None:
    page = proof_page.written(EMPTY, {"simulation": ROW})
    assert proof_page.read(page) == {"simulation": ROW}


def test_the_page_has_a_line_for_every_proof() -> None:
    page = proof_page.written(EMPTY, {"simulation": ROW})
    assert page.count("\n| `") == len(PROOFS)
    assert page.count("not run yet") == len(PROOFS) - 1


def test_other_text_stays() -> None:
    once = proof_page.written(EMPTY, {"simulation": ROW})
    twice = proof_page.written(once, proof_page.read(once))
    assert once == twice
    assert once.startswith("# Proofs\n\nText.\n\n")
    assert once.endswith("|\n\nMore text.\n")


def test_what_no_proof_is_called_is_dropped() -> None:
    gone = "| `gone` | what | figures | 0123456789 | 2026-11-30 |\n"
    stale = EMPTY.replace(proof_page.HEADER, proof_page.HEADER + gone)
    assert "gone" in proof_page.read(stale)
    assert "gone" not in proof_page.written(stale, proof_page.read(stale))
