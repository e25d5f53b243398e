"""The version of what plugin authors import, and whether a plugin's goes with it.

A plugin states the one that it was written for: `orchestrator_api = "1.0"` in its module.
"""

import re

API_VERSION = (1, 0)
"""Major and minor of `orchestrator.plugin`. A minor adds; a major changes or removes."""

ATTRIBUTE = "orchestrator_api"
UNSTATED = (1, 0)
"""What a plugin that states none is taken for: there were plugins before there were versions."""

_VERSION = re.compile(r"(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})")


def written(version: tuple[int, int]) -> str:
    """`1.0`."""
    return ".".join(map(str, version))


def stated(plugin: object) -> str | None:
    """What a plugin states, None if nothing. Raises ValueError for what is no version."""
    version = getattr(plugin, ATTRIBUTE, None)
    if version is None:
        return None
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise ValueError(
            f'{ATTRIBUTE} must be the version that it was written for, such as "1.0", '
            f"not {version!r}"
        )
    return version


def misfit(plugin: str, version: str | None) -> str | None:
    """Why a plugin that states this can't be used here and what to do, None if it can."""
    theirs = _parsed(version) if version is not None else UNSTATED
    if theirs[0] == API_VERSION[0] and theirs[1] <= API_VERSION[1]:
        return None
    older = f"install a release of {plugin} for {API_VERSION[0]}.x"
    newer = "upgrade deploy-orchestrator"
    what = f"{newer}, or {older}" if theirs > API_VERSION else older
    if theirs[0] == API_VERSION[0]:
        what = f"{newer}, or install an older release of {plugin}"
    return (
        f"was written for version {written(theirs)} of the plugin API, and this release has "
        f"{written(API_VERSION)}: {what}"
    )


def _parsed(version: str) -> tuple[int, int]:
    major, minor = version.split(".")
    return int(major), int(minor)
