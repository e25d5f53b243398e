"""What an adapter was loaded from, so that a restart can tell whether it is another one now."""

import hashlib
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from orchestrator.plugin import Adapter

BUILT_IN = "orchestrator.builtin"


def digest_of_files(adapter: Adapter[Any]) -> str:
    """A digest of the adapter's package, or of its module where that stands alone. Empty where the
    files can't be read: unknown counts as unchanged."""
    module = type(adapter).__module__
    package = BUILT_IN if module.startswith(f"{BUILT_IN}.") else module.partition(".")[0]
    loaded = sys.modules.get(package)
    return "" if loaded is None else _digest_of_package(loaded)


@cache
def _digest_of_package(package: ModuleType) -> str:
    """Read once for all adapters of a package, as long as it stays loaded."""
    file = getattr(package, "__file__", None)
    if file is None:
        return ""
    path = Path(file)
    root = path.parent if path.name == "__init__.py" else path
    try:
        return _digest(root)
    except OSError:
        return ""


def _digest(root: Path) -> str:
    found = hashlib.sha256()
    for file in [root] if root.is_file() else sorted(root.rglob("*.py")):
        found.update(f"{file.relative_to(root)}\0".encode())
        found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()[:32]
