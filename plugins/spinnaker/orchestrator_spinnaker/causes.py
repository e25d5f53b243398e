"""What went wrong below HTTP, in words: a library's exceptions are made of others."""

import os
import socket
import ssl
from collections.abc import Iterator

import httpx

_HANDSHAKES = {
    "CERTIFICATE_REQUIRED": "Gate wants a client certificate",
    "UNKNOWN_CA": "Gate does not know the authority of our client certificate",
    "BAD_CERTIFICATE": "Gate does not take our client certificate",
    "CERTIFICATE_EXPIRED": "our client certificate has expired",
    "CERTIFICATE_REVOKED": "our client certificate is revoked",
    "CERTIFICATE_UNKNOWN": "Gate does not take our client certificate",
    "UNSUPPORTED_CERTIFICATE": "Gate does not take our client certificate",
    "HANDSHAKE_FAILURE": "it may want a client certificate",
    "ACCESS_DENIED": "Gate does not take our client certificate",
    "DECRYPT_ERROR": "Gate does not take our client certificate",
}
"""By how OpenSSL's reasons for an alert of the other side end."""


def untrusted(error: BaseException) -> str | None:
    """Why the certificate of Gate is not trusted, if that is it."""
    for cause in _all(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
    return None


def refused_handshake(error: BaseException) -> str | None:
    """What Gate has against our client certificate, if that is it."""
    for cause in _all(error):
        if isinstance(cause, ssl.SSLError) and "ALERT" in (cause.reason or ""):
            for end, words in _HANDSHAKES.items():
                if (cause.reason or "").endswith(end):
                    return words
    return None


def in_words(error: BaseException) -> str:
    """The innermost cause, short."""
    for cause in _all(error):
        match cause:
            case socket.gaierror():
                return "there is no host of this name"
            case ssl.SSLError(reason="WRONG_VERSION_NUMBER" | "HTTP_REQUEST"):
                return "it does not speak TLS: is it http:// ?"
            case ssl.SSLError() if cause.reason:
                return f"TLS: {cause.reason.lower().replace('_', ' ')}"
            case ConnectionResetError() | BrokenPipeError():
                return "the connection was cut"
            case OSError(errno=int(number)) if number > 0:
                return os.strerror(number).lower()
    match error:
        case httpx.ConnectTimeout():
            return "no connection within the time"
        case httpx.ReadError() | httpx.WriteError() | httpx.RemoteProtocolError():
            return "the connection was cut"
    return str(error) or type(error).__name__


def _all(error: BaseException) -> Iterator[BaseException]:
    """The exception and all it comes from, the innermost of each first.

    Contexts count, suppressed or not: httpcore raises anew what it has caught, `from None`.
    """
    for inner in dict.fromkeys((error.__cause__, error.__context__)):
        if inner is not None:
            yield from _all(inner)
    if isinstance(error, BaseExceptionGroup):
        for exception in error.exceptions:
            yield from _all(exception)
    yield error
