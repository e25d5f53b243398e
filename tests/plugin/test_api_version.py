"""A plugin states the plugin API that it was written for; one that does not fit is refused."""

import pytest

from orchestrator.builtin.modules import MODULES
from orchestrator.plugin import API_VERSION, registry
from orchestrator.plugin.api_version import written
from tests.plugin.test_registry import ADAPTER, Installed, installed, problems
from tests.row_ids import told_by

__all__ = ["installed"]

MAJOR, MINOR = API_VERSION
HERE = written(API_VERSION)
NO_VERSION = 'orchestrator_api must be the version that it was written for, such as "1.0", not {}'


def stating(version: object) -> str:
    return f"{ADAPTER.format(kind='Boat', name='boat')}\norchestrator_api = {version!r}\n"


def misfit(version: str, what: str) -> str:
    return (
        f"was written for version {version} of the plugin API, and this release has {HERE}: {what}"
    )


REFUSED = [
    (
        f"{MAJOR + 1}.0",
        misfit(
            f"{MAJOR + 1}.0",
            f"upgrade deploy-orchestrator, or install a release of boats for {MAJOR}.x",
        ),
    ),
    (
        f"{MAJOR}.{MINOR + 1}",
        misfit(
            f"{MAJOR}.{MINOR + 1}",
            "upgrade deploy-orchestrator, or install an older release of boats",
        ),
    ),
    (f"{MAJOR - 1}.9", misfit(f"{MAJOR - 1}.9", f"install a release of boats for {MAJOR}.x")),
    ("one", NO_VERSION.format("'one'")),
    ("1", NO_VERSION.format("'1'")),
    (API_VERSION, NO_VERSION.format(API_VERSION)),
    (1.0, NO_VERSION.format(1.0)),
]


@pytest.mark.parametrize(("version", "text"), REFUSED, ids=told_by(REFUSED, 0))
def test_a_version_that_does_not_fit(installed: Installed, version: object, text: str) -> None:
    installed.add("boats", stating(version))
    loaded = installed.load(*MODULES)
    assert problems(loaded) == {"boats": text}
    assert "boat" not in loaded.adapters
    assert "command" in loaded.adapters


def test_a_version_that_fits(installed: Installed) -> None:
    installed.add("boats", stating(f"{MAJOR}.0"))
    loaded = installed.load()
    assert (loaded.problems, list(loaded.adapters)) == ((), ["boat"])
    assert loaded.plugins[0].api == f"{MAJOR}.0"


def test_a_plugin_without_a_version_is_taken(installed: Installed) -> None:
    installed.add("boats", ADAPTER.format(kind="Boat", name="boat"))
    loaded = installed.load()
    assert (loaded.problems, list(loaded.adapters)) == ((), ["boat"])
    assert loaded.plugins[0].api is None


def test_a_missing_name_of_ours_names_our_version(installed: Installed) -> None:
    installed.add("boats", "from orchestrator.plugin import Sails\n")
    [text] = problems(installed.load()).values()
    assert text.endswith(f"; this release has version {HERE} of the plugin API")


def test_all_that_are_here_state_one() -> None:
    for plugin in registry.load(MODULES).plugins:
        assert plugin.api == HERE, plugin.name
