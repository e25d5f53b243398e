"""How terraform's processes of an attempt ended, as cleanup needs to know it."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from orchestrator.plugin import Exit, Step
from orchestrator_terraform.commands import Layout
from orchestrator_terraform.events import Tally, tally
from orchestrator_terraform.settings import TerraformSettings
from orchestrator_terraform.workspace import write_private

PLAN_KEY = "plan"
APPLY_KEY = "apply"
NOT_RELEASED = "Error releasing the state lock"
NOT_SAVED = "Failed to persist state to backend"


class Ending(msgspec.Struct, frozen=True):
    """One process that was started.

    `known` is false where nobody can know how it ended, `in_order` true where it ended by itself.
    `released` and `saved` are what it said of its lock and its state; `created` what it began to
    create (address: ID, None where it was not told).
    """

    key: str
    known: bool
    in_order: bool
    released: bool
    saved: bool
    created: dict[str, str | None] = {}


def endings(step: Step[TerraformSettings], at: Layout) -> tuple[Ending, ...]:
    """Every process that was started and how it ended. Blocks.

    Written down the first time: a later verification of the attempt has its files, not its exits.
    """
    kept = step.scratch / "endings.json"
    if kept.exists():
        return msgspec.json.decode(kept.read_bytes(), type=tuple[Ending, ...])
    found = tuple(_look(step, at))
    partial = kept.with_suffix(".partial")
    write_private(partial, msgspec.json.encode(found))
    partial.replace(kept)
    return found


def _look(step: Step[TerraformSettings], at: Layout) -> Iterator[Ending]:
    for key in (PLAN_KEY, APPLY_KEY):
        if at.started(key).exists():
            ended: Exit | None = step.recall("apply", key)
            output = Path(ended.stdout) if ended is not None and ended.stdout else at.output(key)
            yield _ending(key, ended, tally(_lines(output)))


def _lines(output: Path | None) -> list[bytes]:
    return output.read_bytes().splitlines() if output is not None and output.exists() else []


def _ending(key: str, ended: Exit | None, counted: Tally) -> Ending:
    in_order = ended is not None and ended.signal is None
    return Ending(
        key=key,
        known=ended is not None,
        in_order=in_order,
        released=in_order and counted.error(NOT_RELEASED) is None,
        saved=counted.error(NOT_SAVED) is None,
        created=counted.created,
    )
