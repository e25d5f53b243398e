"""What a step asks people, and what they answer."""

import msgspec

from orchestrator.core.language.words import Role


class Question(msgspec.Struct, frozen=True):
    """What `Step.ask` asks: `count` people, each with one of the `roles`, to say yes.

    `text` is what they read. `not_submitter`: not the one who submitted the job. After `expires`
    seconds without an answer it is no; None waits for ever, which holds the environment.

    Raises ValueError for what nobody could answer.
    """

    text: str
    roles: tuple[Role, ...] = (Role.APPROVER,)
    count: int = 1
    not_submitter: bool = False
    expires: float | None = None

    def __post_init__(self) -> None:
        if not self.roles:
            raise ValueError("a question needs at least one role that may answer it")
        if self.count < 1:
            raise ValueError(f"a question needs at least one answer, not {self.count}")
        if self.expires is not None and self.expires <= 0:
            raise ValueError(f"a question that expires after {self.expires} s is never answered")


class Answer(msgspec.Struct, frozen=True):
    """What people said. One no is enough; nobody in time (`expired`) is no too.

    `by` are those who said yes (`ada, bob`), or who said no; None where it expired. `comment` is
    what they said to it.
    """

    approved: bool
    expired: bool = False
    by: str | None = None
    comment: str = ""
