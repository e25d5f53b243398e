"""Whose lock it is: the words are terraform 1.11.4's, captured from the backends named."""

import pytest
from orchestrator_terraform.lock import Free, Held, Owner, Unseen, owner, read_look

from orchestrator.plugin import Claim, Completed

ADVICE = """

Terraform acquires a state lock to protect the state from being written
by multiple users at the same time. Please resolve the issue above and try
again. For most commands, you can disable locking with the "-lock=false"
flag, but this is not recommended.
"""

HTTP = (
    """
Error: Error acquiring the state lock

Error message: HTTP remote state already locked:
ID=99111111-2222-3333-4444-555555555555
Lock Info:
  ID:        c3a29eba-1f25-c3e2-6a2e-4c1942b59e9d
  Path:
  Operation: untaint
  Who:       root@vm
  Version:   1.11.4
  Created:   2026-11-21 07:15:22.117307825 +0000 UTC
  Info:
"""
    + ADVICE
)

NAMING = (
    """
Error: Error acquiring the state lock

Error message: resource temporarily unavailable
Lock Info:
  ID:        c7c3e4e9-42a4-70a5-bd5e-f30fcf0b6c13
  Path:      terraform.tfstate
  Operation: OperationTypeApply
  Who:       ada@build-7
  Version:   1.11.4
  Created:   2026-11-21 07:15:22.117307825 +0000 UTC
  Info:
"""
    + ADVICE
)


def refused(text: str) -> Completed:
    return Completed(code=1, stdout="", stderr=text)


def test_a_look_that_finds_it_free() -> None:
    """A look that gets the lock finds it free."""
    assert read_look(Completed(0, "Warning: No such resource instance", "")) == Free()


def test_only_the_id_of_the_http_backend() -> None:
    """The HTTP backend shows the asker's own info, so only the id counts."""
    assert read_look(refused(HTTP)) == Held("99111111-2222-3333-4444-555555555555")


def test_other_backends_name_the_holder() -> None:
    held = read_look(refused(NAMING))
    assert isinstance(held, Held)
    assert held.id == "c7c3e4e9-42a4-70a5-bd5e-f30fcf0b6c13"
    assert held.who == "ada@build-7"
    assert str(held) == (
        "state lock c7c3e4e9-42a4-70a5-bd5e-f30fcf0b6c13 of ada@build-7 (apply) "
        "since 2026-11-21 07:15:22"
    )


def test_the_box_of_a_terminal() -> None:
    """The box that a terminal gets does not matter."""
    boxed = "".join(f"│ {line}\n" for line in NAMING.splitlines())
    assert read_look(refused(boxed)) == read_look(refused(NAMING))


def test_the_lock_of_a_mere_look() -> None:
    """The lock of a mere look has no id to act on."""
    held = read_look(refused(NAMING.replace("OperationTypeApply", "untaint")))
    assert held == Held(None, operation="untaint")
    assert held.momentary


def test_any_other_error_says_nothing_about_the_lock() -> None:
    text = '\nError: Failed to get existing workspaces: Get\n"http://x": refused\n'
    seen = read_look(refused(text))
    assert seen == Unseen('Error: Failed to get existing workspaces: Get "http://x": refused')


def test_an_endpoint_of_other_credentials() -> None:
    """An endpoint that wants other credentials says nothing about the lock."""
    text = "\nError: Error acquiring the state lock\n\nError message: HTTP remote state endpoint"
    assert isinstance(read_look(refused(text + " invalid auth" + ADVICE)), Unseen)


def claim(job: int, *, dead: bool) -> Claim:
    return Claim("r", job, "apply", 1, began=1, ended=2 if dead else None, dead=dead)


@pytest.mark.parametrize(
    ("claims", "ended", "expected"),
    [
        ([], None, None),
        ([claim(7, dead=True)], None, Owner(7, "apply", dead=True)),
        ([claim(7, dead=False)], None, Owner(7, "apply", dead=False)),
        ([claim(7, dead=False)], (7, "apply", 1), Owner(7, "apply", dead=True)),
        ([claim(7, dead=False)], (8, "apply", 1), Owner(7, "apply", dead=False)),
        ([claim(8, dead=True), claim(7, dead=False)], None, Owner(7, "apply", dead=False)),
    ],
)
def test_when_a_lock_is_ours_and_dead(
    claims: list[Claim], ended: tuple[int, str, int] | None, expected: Owner | None
) -> None:
    """A lock is ours only by its id, and dead only if all who claimed it are."""
    assert owner(claims, ended=ended) == expected
