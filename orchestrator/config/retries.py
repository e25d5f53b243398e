"""`retry`: how often a step is tried, and what is wrong with such a table."""

from orchestrator.config.document import Document
from orchestrator.config.files import RetryTable
from orchestrator.config.outcomes import report_matches
from orchestrator.core.language.definition import LONGEST_BACKOFF, RetryPolicy
from orchestrator.core.values.references import Path

NEVER_AGAIN = {
    "success": "what went well is not tried again",
    "cancelled": "after a stop nothing is tried again",
}


def read_retry(table: RetryTable | None, path: Path, document: Document) -> RetryPolicy | None:
    """The table of one step, which stands at `path`; mistakes are reported."""
    if table is None:
        return None
    on = table.on or ()
    report_matches(((match, (*path, "on", at)) for at, match in enumerate(on)), document)
    for at, match in enumerate(on):
        if match in NEVER_AGAIN:
            document.report((*path, "on", at), NEVER_AGAIN[match])
        elif match in on[:at]:
            document.report((*path, "on", at), f'"{match}" stands here twice')
    for key, seconds in (("backoff", table.backoff), ("max", table.max)):
        if seconds is not None and seconds > LONGEST_BACKOFF:
            document.report((*path, key), "a step waits a day at most for its next attempt")
    if table.max is not None and table.max < table.backoff:
        document.report((*path, "max"), "this is less than `backoff`, which is waited first")
    return RetryPolicy(
        attempts=table.attempts,
        backoff=float(table.backoff),
        factor=float(table.factor),
        max=None if table.max is None else float(table.max),
        on=on,
    )
