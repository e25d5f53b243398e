"""Why a call to Gate brought no answer: one class for each cause."""

from orchestrator.plugin import AdapterError


class GateError(AdapterError):
    """A call to Gate that did not do what was asked."""


class GateAway(GateError):
    """No answer, or one that says nothing: worth trying again. It may have taken effect."""


class GateNotReached(GateAway):
    """No connection: the request was never sent."""


class NotLetIn(GateError):
    """Gate sends us to its login: wrong credentials, or a session that is over."""


class NotAllowed(GateError):
    """Gate knows who we are, and says no."""


class NotThere(GateError):
    """Gate knows no such thing."""


class GateRefused(GateError):
    """Gate does not take the request as it is."""
