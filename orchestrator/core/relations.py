"""What a configuration relates: kinds that exclude each other, environments that share locks."""

from collections.abc import Iterable, Mapping

from orchestrator.core.definition import Configuration


class Relations:
    """The relations of one configuration, or of none."""

    def __init__(self, configuration: Configuration | None) -> None:
        self.exclusions = symmetric(configuration.kinds) if configuration is not None else {}
        self.lock_users: dict[str, set[str]] = {}
        environments = configuration.environments if configuration is not None else {}
        for environment in environments.values():
            for lock in environment.locks:
                self.lock_users.setdefault(lock, set()).add(environment.name)


def symmetric(kinds: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """What each kind excludes, in both directions."""
    found: dict[str, set[str]] = {kind: set(excludes) for kind, excludes in kinds.items()}
    for kind, excludes in kinds.items():
        for other in excludes:
            found.setdefault(other, set()).add(kind)
    return {kind: frozenset(excludes) for kind, excludes in found.items()}
