"""Which addresses and refs git is given: none that it could take for an option or a program."""

import re
from urllib.parse import urlsplit

REMOTE = ("ssh", "https", "http", "git")
"""What a remote repository's submodules may use: never a path on this host."""
LOCAL = ("file", *REMOTE)
_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_HELPER = re.compile(r"[A-Za-z0-9+._-]*::")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SSH_NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*")
_SSH_HOST = re.compile(r"[A-Za-z0-9_.:][A-Za-z0-9_.:-]*")
_REFUSED_IN_REFS = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|\.$|/$|\.lock(/|$)")


class AddressInvalid(Exception):
    """It is not the address of a repository, or one that is not used; the message says why."""


class RefInvalid(Exception):
    """It can't be a branch, a tag or a commit; the message says why."""


def transports_of(url: str) -> tuple[str, ...]:
    """By what its repository and submodules may be reached. Raises AddressInvalid."""
    if not url or url.startswith("-"):
        raise AddressInvalid(f"{url!r} is no address of a git repository")
    if _HELPER.match(url):
        raise AddressInvalid(f"{url!r}: transports that run a program (`ext::`) are not used")
    if scheme := _SCHEME.match(url):
        return _of_url(url, scheme[1])
    if ":" in url.partition("/")[0]:
        _check_scp(url)
        return REMOTE
    if not url.startswith("/"):
        raise AddressInvalid(f"{url!r} is no absolute path")
    if "\0" in url or "\n" in url:
        raise AddressInvalid(f"{url!r} holds a control character")
    return LOCAL


def check_ref(ref: str) -> None:
    """Raises RefInvalid."""
    if not ref:
        raise RefInvalid('`ref` is empty; "HEAD" is the default branch')
    if ref.startswith(("-", "/", ".")) or _REFUSED_IN_REFS.search(ref):
        raise RefInvalid(f"`ref`: {ref!r} can't be the name of a branch or tag, nor a commit")


def _of_url(url: str, scheme: str) -> tuple[str, ...]:
    if scheme not in LOCAL:
        known = ", ".join(f"{scheme}://" for scheme in LOCAL)
        raise AddressInvalid(f"{url!r}: {scheme}:// is not used, only {known} are")
    if _CONTROL.search(url):
        raise AddressInvalid(f"{url!r} holds a space or a control character; write %20")
    try:
        parts = urlsplit(url)
        host, user, password = parts.hostname, parts.username, parts.password
        parts.port  # noqa: B018  raises for what is no number
    except ValueError as error:
        raise AddressInvalid(f"{url!r}: {error}") from error
    if scheme == "file":
        if host not in (None, "localhost") or not parts.path.startswith("/"):
            raise AddressInvalid(f"{url!r}: a file has no host: file:///PATH")
        return LOCAL
    if password is not None:
        shown = url.replace(f":{password}@", ":…@")
        raise AddressInvalid(
            f"{shown!r}: everybody who may look at pipelines could read this "
            "password; use ssh and `ssh_key`"
        )
    if not host or not _SSH_HOST.fullmatch(host):
        raise AddressInvalid(f"{url!r} names no host")
    if user is not None and not _SSH_NAME.fullmatch(user):
        raise AddressInvalid(f"{url!r}: {user!r} is no user name")
    return REMOTE


def _check_scp(url: str) -> None:
    """`user@host:path`"""
    login, _, path = url.partition(":")
    user, at, host = login.rpartition("@")
    if _CONTROL.search(url) or not path or path.startswith("-"):
        raise AddressInvalid(f"{url!r} is not USER@HOST:PATH")
    if not _SSH_NAME.fullmatch(host) or (at and not _SSH_NAME.fullmatch(user)):
        raise AddressInvalid(f"{url!r}: {login!r} is not USER@HOST")
