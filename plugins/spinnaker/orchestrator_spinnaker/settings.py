"""What a spinnaker step's `with` table may say."""

import enum
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from orchestrator.plugin import Role, Secret, parse_duration
from orchestrator_spinnaker.validity import (
    Written,
    is_open,
    of_address,
    of_conflict,
    of_duration,
    refuse,
)

SHORTEST_POLL = 0.1
"""Seconds: looking more often than that only burdens Gate."""
A_MOMENT = 0.1
"""Seconds: less is no time at all."""
OWN_OUTPUTS = ("execution", "url", "status")
"""Of every execution, whatever its stages have."""

Duration = Annotated[Written, msgspec.Meta(examples=["10s", "1h30m"])]
Positive = Annotated[int, msgspec.Meta(ge=1)]


class OnManualJudgment(enum.Enum):
    """Who answers the pipeline's manual judgment stages."""

    APPROVAL = "approval"  # people, by our approvals or in Spinnaker, whoever is first
    WAIT = "wait"  # people, in Spinnaker
    FAIL = "fail"  # nobody: the execution is cancelled and the step fails


class _Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Unknown keys are errors."""


class Password(_Settings, frozen=True):
    """Of `auth.basic` and `auth.session`."""

    username: str | Secret
    password: str | Secret


class Certificate(_Settings, frozen=True):
    """A client certificate and its key: paths of PEM files, or secrets that are their texts.

    Without `key` it stands in the same file.
    """

    cert: str | Secret
    key: str | Secret | None = None


class Auth(_Settings, frozen=True):
    """How Gate knows who we are. `ca` is the PEM file, or a secret, of the CA that Gate's own
    certificate comes from; without it those of the host. At most one of the others but
    `certificate`, which may stand beside them.
    """

    basic: Password | None = None
    session: Password | None = None
    bearer: str | Secret | None = None
    certificate: Certificate | None = None
    ca: str | Secret | None = None

    def __post_init__(self) -> None:
        names = ("basic", "session", "bearer")
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)}: one of them is enough")


class Judgment(_Settings, frozen=True):
    """Who may answer a manual judgment here, and until when: then it is `stop`."""

    roles: tuple[Role, ...] = (Role.APPROVER,)
    count: Positive = 1
    not_submitter: bool = False
    expires: Duration = "1d"

    def __post_init__(self) -> None:
        refuse(of_duration("expires", self.expires, least=A_MOMENT))
        if not self.roles:
            raise ValueError("`roles` is empty: nobody could answer")


class StageOutput(_Settings, frozen=True):
    """Where an output of the step comes from: a stage's name, and a key of its outputs."""

    stage: str
    key: str


class SpinnakerSettings(_Settings, frozen=True):
    """One step's settings.

    `gate` is Gate's address, `ui` Deck's: for links only. `pipeline` is a name or an id.
    `conflicts` are further pipelines (`application/pipeline`) of which none may be live when this
    one starts. `poll` is the longest pause between two looks. `timeout` is how long an execution
    may run before it is cancelled; `request_timeout` how long one call to Gate may take. `settle`
    is how long an execution is searched for whose start was not answered. `outputs` names the
    stage outputs that become outputs of the step.
    """

    gate: Annotated[str, msgspec.Meta(examples=["https://gate.example"])]
    application: str
    pipeline: str
    parameters: dict[str, Any | Secret] = {}
    auth: Auth = Auth()
    ui: str | None = None
    conflicts: tuple[str, ...] = ()
    outputs: dict[str, StageOutput] = {}
    on_manual_judgment: OnManualJudgment = OnManualJudgment.APPROVAL
    judgment: Judgment = Judgment()
    poll: Duration = "10s"
    timeout: Duration | None = None
    request_timeout: Duration = "30s"
    settle: Duration = "60s"

    def __post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> Iterator[str]:
        yield from of_address("gate", self.gate)
        if self.ui is not None:
            yield from of_address("ui", self.ui)
        if isinstance(self.auth, Auth) and self.auth.certificate and self.gate.startswith("http:"):
            yield "`auth.certificate`: only an https address asks for one, and `gate` is http"
        for name in ("application", "pipeline"):
            if not getattr(self, name):
                yield f"`{name}` is empty"
        if not is_open(self.conflicts):
            for conflict in self.conflicts:
                yield from of_conflict(conflict)
        for name in OWN_OUTPUTS:
            if not is_open(self.outputs) and name in self.outputs:
                yield f"`outputs.{name}`: it is the execution's own; give the stage's another name"
        yield from of_duration("poll", self.poll, least=SHORTEST_POLL)
        if self.timeout is not None:
            yield from of_duration("timeout", self.timeout, least=A_MOMENT)
        yield from of_duration("request_timeout", self.request_timeout, least=A_MOMENT)
        yield from of_duration("settle", self.settle)


def seconds(duration: Duration) -> float:
    """How long `1h30m` is, or a number of seconds."""
    return parse_duration(duration)
