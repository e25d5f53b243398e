"""Who may do what through a front, and how they prove who they are."""

import base64
import secrets
import ssl
from dataclasses import dataclass
from enum import Enum
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs

import trustme


class Right(Enum):
    """What Fiat calls an authorization."""

    READ = "READ"
    EXECUTE = "EXECUTE"


@dataclass(frozen=True)
class User:
    """Somebody with all kinds of credentials; unknown to a front that does not list them."""

    name: str
    rights: frozenset[Right]

    @property
    def password(self) -> str:
        """For basic authentication and the login form."""
        return f"password-of-{self.name}"

    @property
    def token(self) -> str:
        """A bearer token."""
        return f"token-of-{self.name}"


ADA = User("ada", frozenset(Right))
"""May look and execute."""
BOB = User("bob", frozenset({Right.READ}))
"""May only look."""
EVE = User("eve", frozenset())
"""Is known, and may do nothing."""
GRACE = User("grace", frozenset(Right))
"""Is not known: her credentials are wrong."""
DEPLOYER = User("deployer", frozenset(Right))
"""An account that is nobody's: a daemon's."""
KNOWN = (ADA, BOB, EVE, DEPLOYER)


class Sessions:
    """The sessions of one front, which a login opens and a test may end."""

    def __init__(self) -> None:
        self._users: dict[str, User] = {}

    def open(self, form: bytes) -> str | None:
        """The cookie of a new session, or None when the form's user is not known."""
        fields = parse_qs(form.decode(errors="replace"))
        given = (fields.get("username", [""])[0], fields.get("password", [""])[0])
        for user in KNOWN:
            if given == (user.name, user.password):
                cookie = secrets.token_urlsafe(24)
                self._users[cookie] = user
                return cookie
        return None

    def user(self, cookies: str) -> User | None:
        """Whose session a Cookie header names."""
        try:
            found = SimpleCookie(cookies).get("SESSION")
        except CookieError:
            return None
        return self._users.get(found.value) if found else None

    def expire(self) -> None:
        """End all sessions."""
        self._users.clear()


def by_authorization(header: str) -> User | None:
    """Whom an Authorization header proves: basic or bearer."""
    scheme, _, given = header.partition(" ")
    if scheme.lower() == "basic":
        expected = {basic(user): user for user in KNOWN}
    else:
        expected = {user.token: user for user in KNOWN}
    return expected.get(given.strip())


def basic(user: User) -> str:
    """What follows `Basic` in an Authorization header."""
    return base64.b64encode(f"{user.name}:{user.password}".encode()).decode()


class Authority:
    """The certificates of one front, in files below a directory."""

    def __init__(self, directory: Path, *, insists: bool = False) -> None:
        """`insists`: whoever has no certificate of it is not talked to."""
        self.directory = directory
        self.insists = insists
        self.ca = directory / "ca.crt"
        """What a client must trust."""
        self._authority = trustme.CA()

    def make(self) -> ssl.SSLContext:
        """Write `ca`, and return a server's side, which takes clients' certificates."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self._authority.cert_pem.write_to_path(str(self.ca))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.ca)
        server = self._authority.issue_cert("127.0.0.1", "localhost", common_name="gate")
        server.configure_cert(context)
        context.verify_mode = ssl.CERT_REQUIRED if self.insists else ssl.CERT_OPTIONAL
        return context

    def certificate(self, user: User, *, foreign: bool = False) -> Path:
        """A PEM file with a user's key and certificate; `foreign`: of another authority."""
        self.directory.mkdir(parents=True, exist_ok=True)
        authority = trustme.CA() if foreign else self._authority
        issued = authority.issue_cert(f"{user.name}@bed.test", common_name=user.name)
        path = self.directory / f"{user.name}{'-foreign' if foreign else ''}.pem"
        issued.private_key_and_cert_chain_pem.write_to_path(str(path))
        path.chmod(0o600)
        return path


def by_certificate(connection: object) -> User | None:
    """Whom a connection's client certificate proves, by its common name."""
    if not isinstance(connection, ssl.SSLSocket):
        return None
    subject = (connection.getpeercert() or {}).get("subject", ())
    assert isinstance(subject, tuple)
    pairs = [pair for part in subject for pair in part if isinstance(pair, tuple)]
    names = {value for key, value in pairs if key == "commonName"}
    return next((user for user in KNOWN if user.name in names), None)
