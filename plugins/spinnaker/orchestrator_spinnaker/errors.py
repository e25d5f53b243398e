"""Why a call to Gate brought no answer: one class for each cause."""

from orchestrator.plugin import AdapterError


class GateError(AdapterError):
    """A call to Gate that did not do what was asked.

    `cause` is the short form, for what a step waits for; `setting` what people should look at.
    """

    setting = "gate"

    def __init__(self, text: str, cause: str = "", setting: str | None = None) -> None:
        super().__init__(text)
        self.cause = cause or text
        if setting is not None:
            self.setting = setting


class GateAway(GateError):
    """No answer, or one that says nothing: worth trying again. It may have taken effect."""


class NotTaken(GateAway):
    """It took no effect: no connection, no session to send it in, or too many requests."""


class NotLetIn(GateError):
    """Gate asks for a login: wrong credentials, or a session that is over."""

    setting = "auth"


class NotTrusted(GateError):
    """Gate's own certificate is none that we trust; nothing was sent."""

    setting = "auth.ca"


class AccessUnusable(GateError):
    """Credentials that can't be used as they are; nothing was sent."""

    setting = "auth"


class NotAllowed(GateError):
    """Gate knows who we are, and says no."""

    setting = "auth"


class NotThere(GateError):
    """Gate knows no such thing."""

    setting = "pipeline"


class GateRefused(GateError):
    """Gate does not take the request as it is."""
