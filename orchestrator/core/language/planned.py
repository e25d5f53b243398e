"""What belongs to the contract and is not built yet: it is refused by name, so that nobody looks
for a mistake of his own.

Standard library only, for the command line reads it too. What gets built leaves this file.
"""

VERBS = frozenset(
    {
        *("hold", "unhold", "watch", "plugin-new"),
        *("pools", "pool", "pool-reserve", "pool-release", "pool-steal"),
    }
)
OPTIONS = frozenset({"log --timestamps"})
REFERENCES = frozenset({"pools"})
"""Roots of `${…}`."""
KEYS = {
    "orchestrator.toml": ("pools", "retention"),
    "environments": ("queue", "on_new", "max_queued", "freeze"),
    "pipelines": ("pools",),
}
"""By the file, or the folder of the files, that they stand in."""
