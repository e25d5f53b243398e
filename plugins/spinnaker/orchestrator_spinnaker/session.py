"""A session with Gate, opened by its login form."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import anyio
import httpx

from orchestrator_spinnaker.errors import GateAway, NotLetIn, NotTaken

LOGIN = "/login"
Send = Callable[[str, dict[str, str]], Awaitable[httpx.Response]]
"""Posts a form to a path of Gate."""


class Session:
    """Logs in when it is first needed, and again when it is over. The client keeps the cookie."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self._url = url
        self._form = {"username": username, "password": password}
        self._lock = anyio.Lock()
        self._logins = 0

    @property
    def logins(self) -> int:
        """How often it was opened."""
        return self._logins

    async def open(self, send: Send, seen: int = 0) -> None:
        """Log in, unless somebody has since `logins` was `seen`.

        Raises NotLetIn for wrong credentials, NotTaken where Gate does not say.
        """
        async with self._lock:
            if self._logins != seen:
                return
            try:
                answer = await send(LOGIN, self._form)
            except GateAway as error:
                raise NotTaken(str(error), error.cause) from None
            self._judge(answer)
            self._logins += 1

    def _judge(self, answer: httpx.Response) -> None:
        code = answer.status_code
        at = f"the login at {self._url}{LOGIN}"
        if answer.is_server_error or code == httpx.codes.TOO_MANY_REQUESTS:
            cause = f"it answers {code} to a login"
            raise NotTaken(f"{at} was answered by {code}", cause)
        if asks_for_login(answer):
            text = f"{at} is refused: the user name or the password of `auth.session` is wrong"
            raise NotLetIn(text, "it refuses our login", "auth.session")
        if not (answer.is_success or answer.is_redirect):
            text = f"{at} was answered by {code}: this Gate has no login form for `auth.session`"
            raise NotLetIn(text, "it has no login form", "auth.session")
        if not answer.cookies:
            text = f"{at} opened no session: this Gate has no login form for `auth.session`"
            raise NotLetIn(text, "it opens no session", "auth.session")


def asks_for_login(answer: httpx.Response) -> bool:
    """Whether Gate does not know who we are."""
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        return True
    if not answer.is_redirect:
        return False
    to: str = answer.headers.get("Location", "")
    return urlsplit(to).path.rstrip("/").endswith(LOGIN)
