"""What an adapter may raise, and what it may find raised at it. One class for each cause."""


class AdapterError(Exception):
    """The step failed for a reason that the adapter understands; the message is shown as it is.

    Any other exception fails the step too, with its traceback in the step's log.
    """


class StopRequested(Exception):
    """A stop was asked for before this process or call began, so it was not begun.

    Raised by `Step.run` and `Step.once` for keys that have not started yet. Let it pass: the step
    then ends as cancelled.
    """


class ProcessLost(Exception):
    """A process of this attempt ended and nobody can know how. Let it pass: the step is `lost`."""


class CallLost(Exception):
    """A `once` call may or may not have taken effect, and `recover` could not tell."""
