"""Every hook, one documented and typed function each. Hooks register or tell; none may block."""

from collections.abc import Sequence
from typing import Any

import pluggy

from orchestrator.plugin.adapter import Adapter
from orchestrator.plugin.secrets import SecretSource

GROUP = "orchestrator"
"""The entry point group, and pluggy's project name."""

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


class Hooks:
    """What a plugin module may implement, each with `@hookimpl`."""

    @hookspec
    def orchestrator_adapters(self) -> Sequence[Adapter[Any]]:
        """The adapters that this plugin brings.

        Called once, when the daemon or `check` loads plugins. Two adapters of one name are an
        error that names both plugins.
        """
        raise NotImplementedError

    @hookspec
    def orchestrator_secrets(self) -> Sequence[SecretSource]:
        """Where secrets can be read from, as `plugin = "NAME"` in `[secrets.X]` says.

        Called once, when the daemon or `check` loads plugins. Two of one name are an error that
        names both plugins.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def orchestrator_authorize(self, user: str, action: str, target: str) -> bool | None:
        """Deny what roles allow: False denies, None has no opinion. It cannot widen.

        `action` is a verb of the command line (`submit`, `cancel`, …), `target` what it acts on
        (an environment, or `pipeline in environment`). The first answer wins.
        """
        raise NotImplementedError
