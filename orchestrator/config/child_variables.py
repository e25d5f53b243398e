"""Which environment variables a configuration may not hand to a tool."""

import fnmatch
from collections.abc import Iterable

REFUSED = (
    "TF_CLI_ARGS*",
    "TF_CLI_CONFIG_FILE",
    "TF_REATTACH_PROVIDERS",
    "TF_WORKSPACE",
    "TF_PLUGIN_*",
    "HELM_*",
    "LD_*",
    "BASH_ENV",
    "PYTHON*",
    "GIT_SSH*",
    "GIT_CONFIG*",
)
"""Each changes what a tool does behind the settings of its step, or makes it run other code.

`TF_CLI_ARGS_apply=-destroy` turned an apply into a destroy (measured with terraform 1.11.4).
"""


def refused(name: str, allow_env: Iterable[str]) -> bool:
    """Whether no `env` may set this variable. `allow_env` are names or `PREFIX*` patterns."""
    return matches(name, REFUSED) and not matches(name, allow_env)


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a variable is named by one of the patterns, each a name or a `PREFIX*`."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
