"""Names with slashes in paths: `/v1/pipelines/team/web`, `/v1/environments/team/prod/waive`.

The name is everything up to the verb that a POST ends with, so no name can be mistaken for a verb.
`/` may come as it is or as `%2F`. The framework's router sees the name as one segment, in which
`/` is written as a character that no name of ours may have.
"""

from litestar.types import ASGIApp, Receive, Scope, Send

PLACES = ("/v1/environments/", "/v1/pipelines/")
SLASH = "\n"
NO_SLASH = "\N{REPLACEMENT CHARACTER}"
"""For one that a path has itself: no name is found by it either."""


class NamesInPaths:
    """An application whose routes see names as single segments; `name_of` reads them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = scope["path"]
        for place in PLACES:
            if path.startswith(place) and path != place:
                name = path.removeprefix(place).replace(SLASH, NO_SLASH)
                scope["path"] = place + _folded(name, str(scope.get("method")))
        await self._app(scope, receive, send)


def _folded(rest: str, method: str) -> str:
    if method != "POST":
        return rest.replace("/", SLASH)
    name, slash, verb = rest.rpartition("/")
    return name.replace("/", SLASH) + slash + verb


def name_of(segment: str) -> str:
    """The name that a folded segment is."""
    return segment.replace(SLASH, "/")
