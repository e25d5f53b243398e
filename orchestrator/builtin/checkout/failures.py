"""How a checkout may fail. One class for each cause."""


class Failure(Exception):
    """It can't be done; the message is shown. `setting` is the one that it is about."""

    def __init__(self, setting: str, text: str) -> None:
        self.setting = setting
        super().__init__(text)


class GitFailed(Exception):
    """A git command failed; `lines` is the end of what it said."""

    def __init__(self, command: str, code: int, lines: tuple[str, ...]) -> None:
        self.lines = lines
        how = f"exit {code}" if code >= 0 else f"signal {-code}"
        super().__init__(said(lines) or f"git {command} failed ({how})")


class Stopped(Exception):
    """The stop signal came."""


_LONGEST = 400
_EMPTY_WORDS = (
    "fatal: Could not read from remote repository.",
    "Please make sure you have the correct access rights",
    "and the repository exists.",
)
"""What git adds to whatever ssh has said."""


def said(lines: tuple[str, ...]) -> str:
    """The end of what a tool said, in one line, without what says nothing."""
    spoken = [line.strip() for line in lines if line.strip()]
    telling = [line for line in spoken if line not in _EMPTY_WORDS]
    text = "; ".join(telling or spoken[:1])
    return text if len(text) <= _LONGEST else f"…{text[-_LONGEST:]}"
