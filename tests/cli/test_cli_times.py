"""Instants and durations for people."""

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.cli.arguments import duration
from orchestrator.cli.view import times


@pytest.mark.parametrize("days", [0, 58, 59, 60, 365, 730, 1095, 11016, 20000, 40000])
def test_an_instant_is_what_datetime_says(days: int) -> None:
    moment = datetime(1970, 1, 1, 12, 34, 56, 789000, UTC) + timedelta(days=days)
    text = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert times.instant(text) == pytest.approx(moment.timestamp(), abs=1e-4)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.0s"),
        (0.42, "0.4s"),
        (0.96, "1s"),
        (12, "12s"),
        (59.6, "1m 00s"),
        (124, "2m 04s"),
        (3 * 3600 + 300, "3h 05m"),
        (2 * 86400 + 4 * 3600, "2d 04h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert times.duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("5m", 300), ("1h30m", 5400), ("1d", 86400), ("0.5s", 0.5)],
)
def test_typed_durations(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "5x", "5m3", "-5", "1..5s", "1.s5", "٣s", "nan", "inf"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(Exception, match="is not a duration"):
        duration(text)
