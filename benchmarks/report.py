"""One line for each figure: what was measured, its reference, and whether the target is met."""

from collections.abc import Iterable, Sequence
from statistics import median

import msgspec

HEADER = ("", "what", "measured", "reference", "ratio", "target")


class Figure(msgspec.Struct, frozen=True):
    """A measured value, in `unit`, beside its reference.

    The ratio is held against `limit`, without a reference the value itself. `at_least` turns the
    comparison round.
    """

    what: str
    measured: float
    unit: str
    limit: float
    reference: float | None = None
    ratio: float | None = None
    at_least: bool = False

    @staticmethod
    def of_rounds(
        what: str,
        unit: str,
        limit: float,
        rounds: Sequence[tuple[float, float]],
        *,
        at_least: bool = False,
    ) -> "Figure":
        """From rounds of (measured, reference).

        All three are medians: the ratio is that of the rounds' ratios, so that a load that comes
        and goes between rounds does not count.
        """
        return Figure(
            what=what,
            measured=median(measured for measured, _ in rounds),
            unit=unit,
            limit=limit,
            reference=median(reference for _, reference in rounds),
            ratio=median(measured / reference for measured, reference in rounds),
            at_least=at_least,
        )

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        value = self.measured if self.ratio is None else self.ratio
        return value >= self.limit if self.at_least else value <= self.limit

    def cells(self) -> tuple[str, ...]:
        """What the table shows."""
        sign, unit = ("≥", "") if self.at_least else ("≤", "")
        if self.reference is None:
            unit = f" {self.unit}"
        return (
            "✓" if self.met else "✗",
            self.what,
            f"{self.measured:.4g} {self.unit}",
            "" if self.reference is None else f"{self.reference:.4g} {self.unit}",
            "" if self.ratio is None else f"{self.ratio:.2f}",
            f"{sign} {self.limit:.3g}{unit}",
        )


def table(figures: Iterable[Figure]) -> str:
    """The figures in columns."""
    rows = [HEADER, *(figure.cells() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
