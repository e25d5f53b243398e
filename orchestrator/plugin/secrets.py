"""Secrets, as adapters are given them and as plugins bring them."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import msgspec

from orchestrator.plugin.errors import AdapterError


class Secret(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """A setting that may be a secret: type it `str | Secret`, inside of tables and lists too.

    In a file it is `{ secret = "NAME" }`, and that is also all that its repr and its JSON say.
    Only `reveal` gives the value; it must not stand on a command line.
    """

    secret: str
    """The name under `[secrets]`."""

    @staticmethod
    def of(name: str, value: str) -> "Secret":
        """One whose value is known."""
        made = Secret(name)
        made.__dict__["value"] = value
        return made

    def reveal(self) -> str:
        """The value. Raises AdapterError where it is not known: in `traits`, before any run."""
        value: str | None = self.__dict__.get("value")
        if value is None:
            raise AdapterError(f"the value of the secret {self.secret} is known only in a run")
        return value

    def __repr__(self) -> str:
        return f"Secret({self.secret!r})"

    __str__ = __repr__


@runtime_checkable
class SecretSource(Protocol):
    """Where a plugin gets secrets from: `plugin = "NAME"` in `[secrets.X]` names it."""

    name: str

    async def read(self, settings: Mapping[str, Any]) -> str | bytes:
        """The value now, as UTF-8. `settings` are the other keys of `[secrets.X]`.

        Called once for each attempt that names the secret. What it raises fails the step before
        anything is touched; the message is shown, so it must not hold the value. anyio only.
        """
        ...
