"""Durations as files write them."""

from orchestrator.core.language.durations import LONGEST, Duration, parse_duration

__all__ = ["LONGEST", "Duration", "parse_duration"]
