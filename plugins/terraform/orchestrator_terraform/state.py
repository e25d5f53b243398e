"""The state as `terraform state pull` gives it (format version 4), as far as it is read here."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec


class Instance(msgspec.Struct, frozen=True):
    """One instance of a resource: `index_key` where it has `count` or `for_each`."""

    attributes: dict[str, Any] = {}
    index_key: str | int | None = None


class Resource(msgspec.Struct, frozen=True):
    """One resource block with its instances."""

    type: str
    name: str
    mode: str = "managed"
    module: str = ""
    instances: tuple[Instance, ...] = ()

    def address(self, instance: Instance) -> str:
        """As terraform's events call it: `module.a.aws_instance.web["blue"]`."""
        base = f"{self.type}.{self.name}"
        if self.module:
            base = f"{self.module}.{base}"
        return base if instance.index_key is None else f"{base}[{json.dumps(instance.index_key)}]"


class State(msgspec.Struct, frozen=True):
    """Which state it is (`lineage`), how new (`serial`), and what is in it."""

    serial: int
    lineage: str
    resources: tuple[Resource, ...] = ()

    def includes(self, other: "State") -> bool:
        """Whether this state is the other one, or came after it.

        Measured with terraform 1.11.4: a push over an empty state gets a new lineage.
        """
        newer = self.lineage == other.lineage and self.serial >= other.serial
        return newer or self.resources == other.resources

    def ids(self) -> dict[str, str | None]:
        """The `id` of each managed instance by its address; None where it has none."""
        return {
            resource.address(instance): instance.attributes.get("id")
            for resource in self.resources
            if resource.mode == "managed"
            for instance in resource.instances
        }


def unrecorded(state: State | None, created: Mapping[str, str | None]) -> dict[str, str | None]:
    """What was `created` (address: ID, None where it was not told) and is not in the state."""
    known = state.ids() if state is not None else {}
    return {
        address: made
        for address, made in created.items()
        if address not in known or (made is not None and known[address] != made)
    }
