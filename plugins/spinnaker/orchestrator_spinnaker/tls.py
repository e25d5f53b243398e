"""Whom we trust, and what we prove ourselves with, when Gate is asked over TLS."""

import contextlib
import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

from orchestrator.plugin import Secret
from orchestrator_spinnaker.errors import AccessUnusable
from orchestrator_spinnaker.settings import Auth, Certificate

_NO_PASSPHRASE = "its key has a passphrase, and nobody is there to type it"  # noqa: S105  words

LISTEN = 2.0
"""Seconds to wait for what a server has against us."""


def context(auth: Auth, workdir: Path) -> ssl.SSLContext:
    """Blocks. Raises AccessUnusable, which names the setting and never says what a secret holds."""
    made = _trusting(auth.ca, workdir)
    if auth.certificate is not None:
        _add_certificate(made, auth.certificate, workdir)
    return made


def refusal(made: ssl.SSLContext, host: str, port: int) -> OSError | None:
    """Shake hands, say nothing, and wait what comes: what a server has against us. Blocks.

    A TLS 1.3 server judges our certificate only when we have begun to talk, and then its word may
    be lost with the connection.
    """
    try:
        with (
            socket.create_connection((host, port), LISTEN) as plain,
            made.wrap_socket(plain, server_hostname=host) as stream,
        ):
            stream.recv(1)
    except OSError as error:
        return error
    return None


def _trusting(ca: str | Secret | None, workdir: Path) -> ssl.SSLContext:
    setting = "auth.ca"
    if ca is None:
        return ssl.create_default_context()
    text = ca.reveal() if isinstance(ca, Secret) else _read(setting, ca, workdir)
    try:
        ascii = text.encode("ascii", "replace").decode()  # bundles name authorities as they write
        return ssl.create_default_context(cadata=ascii or "empty")
    except (ssl.SSLError, ValueError):
        raise _unusable(setting, f"{_called(ca)} holds no certificate in PEM form") from None


def _add_certificate(made: ssl.SSLContext, given: Certificate, workdir: Path) -> None:
    setting = "auth.certificate"
    with _file(f"{setting}.cert", given.cert, workdir) as cert, contextlib.ExitStack() as stack:
        key = None
        if given.key is not None:
            key = stack.enter_context(_file(f"{setting}.key", given.key, workdir))
        asked = False

        def no_passphrase() -> str:
            nonlocal asked
            asked = True
            return ""

        try:
            made.load_cert_chain(cert, key, no_passphrase)
        except (ssl.SSLError, ValueError) as error:
            why = _NO_PASSPHRASE if asked else _why(error)
            raise _unusable(setting, f"{_called(given.cert)}: {why}") from None


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return "the key is that of another certificate"
    return "a certificate and its key in PEM form are needed"


@contextlib.contextmanager
def _file(setting: str, given: str | Secret, workdir: Path) -> Iterator[str]:
    """A path that OpenSSL can read, as long as the block lasts; a secret is in memory only."""
    if not isinstance(given, Secret):
        _read(setting, given, workdir)
        yield str(workdir / given)
        return
    memory = os.memfd_create("pem")
    try:
        with open(memory, "wb", closefd=False) as file:
            file.write(given.reveal().encode())
        yield f"/proc/self/fd/{memory}"
    finally:
        os.close(memory)


def _read(setting: str, given: str, workdir: Path) -> str:
    path = workdir / given
    try:
        return path.read_text(errors="replace")
    except OSError as error:
        why = f"{path}: {(error.strerror or str(error)).lower()}"
        if given != str(path):
            why += "; it is looked for where the step runs: name the whole path"
        raise _unusable(setting, why) from None


def _called(given: str | Secret) -> str:
    return f"the secret {given.secret}" if isinstance(given, Secret) else given


def _unusable(setting: str, why: str) -> AccessUnusable:
    return AccessUnusable(f"`{setting}`: {why}", setting=setting)
