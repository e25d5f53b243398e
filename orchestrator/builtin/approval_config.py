"""The settings of an `approval` step."""

from collections.abc import Iterator

import msgspec

from orchestrator.plugin import Role, parse_duration


class ApprovalConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whom to ask, and what.

    `message` is what they read. `count` people must say yes, each with one of the `roles`;
    `not_submitter`: not the one who submitted the job. One no is enough. `expires` (`"4h"`) is how
    long an answer is waited for, since the step holds its environment meanwhile.
    """

    message: str = ""
    roles: tuple[Role, ...] = (Role.APPROVER,)
    count: int = 1
    not_submitter: bool = False
    expires: str | int | float = ""

    def __post_init__(self) -> None:
        if problems := list(self._problems()):
            raise ValueError("; ".join(problems))

    def _problems(self) -> Iterator[str]:
        if not self.roles:
            yield "`roles` is empty: nobody could approve"
        if isinstance(self.count, int) and self.count < 1:
            yield "`count` is how many people must approve: 1 or more"
        if self.expires == "":
            yield (
                "`expires` is missing: an approval inside a run holds the environment while it "
                'waits, so say for how long at most, as in expires = "4h"'
            )
        elif "${" not in str(self.expires):
            yield from self._expiry_problems()

    def _expiry_problems(self) -> Iterator[str]:
        try:
            if not self.seconds:
                yield "`expires`: a limit of 0 leaves no time at all to answer"
        except ValueError as error:
            yield f"`expires`: {error}"

    @property
    def limit(self) -> str:
        """How long an answer is waited for, as it is written."""
        return self.expires if isinstance(self.expires, str) else f"{self.expires:g} s"

    @property
    def seconds(self) -> float:
        """After how many seconds nobody has answered. Raises ValueError."""
        return parse_duration(self.expires)
