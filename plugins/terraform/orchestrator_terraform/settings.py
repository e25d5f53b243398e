"""What a terraform step's `with` table may say."""

import enum
import re
from typing import Annotated, Any

import msgspec

from orchestrator.plugin import Secret

DURATION = r"^(?=.)(\d+h)?(\d+m)?(\d+s)?$"
_PARTS = re.compile(DURATION)

Duration = Annotated[str, msgspec.Meta(pattern=DURATION, examples=["10m", "1h30m", "0s"])]
Positive = Annotated[int, msgspec.Meta(ge=1)]


class Action(enum.Enum):
    """What a step does with a directory."""

    PLAN = "plan"
    APPLY = "apply"
    DESTROY = "destroy"
    VALIDATE = "validate"

    @property
    def touches(self) -> bool:
        """Whether it may change what terraform manages."""
        return self in (Action.APPLY, Action.DESTROY)

    @property
    def uses_state(self) -> bool:
        """Whether it reads the state, and so needs its backend and its lock."""
        return self is not Action.VALIDATE


class LockFile(enum.Enum):
    """What `init` may do to `.terraform.lock.hcl`."""

    READONLY = "readonly"  # a provider that it does not pin is an error
    UPDATE = "update"


class TerraformSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step's settings. Paths are relative to the step's working directory.

    `dir` is the root module. `plan` is, for apply, a plan file that another step made (its output
    `plan`); without it, apply and destroy plan first and apply that plan. `vars` are any JSON
    values and win over `var_files`; they may hold secrets, at any depth. `lock_timeout` bounds
    how long a state lock of somebody else is waited for, `init_timeout` how long `terraform init`
    may take.
    """

    action: Action
    dir: str = "."
    plan: str | None = None
    workspace: str | None = None
    backend_config: dict[str, Any] = {}
    var_files: tuple[str, ...] = ()
    vars: dict[str, Any | Secret] = {}
    targets: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()
    refresh: bool = True
    parallelism: Positive | None = None
    lock_timeout: Duration = "10m"
    init_timeout: Duration = "15m"
    lockfile: LockFile | None = None
    binary: str = "terraform"

    def __post_init__(self) -> None:
        if self.plan is None:
            return
        if self.action is not Action.APPLY:
            raise ValueError(f'plan: action "{self.action.value}" takes no saved plan')
        for name in ("var_files", "vars", "targets", "replace"):
            if getattr(self, name):
                raise ValueError(f"{name}: the saved plan holds this; set it where plan is made")


def seconds(duration: Duration) -> float:
    """How long `1h30m` is."""
    found = _PARTS.match(duration)
    assert found is not None, "msgspec checked it against the same pattern"
    hours, minutes, rest = (int(part[:-1]) if part else 0 for part in found.groups())
    return float(hours * 3600 + minutes * 60 + rest)
