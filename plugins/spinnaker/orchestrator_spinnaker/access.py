"""Opening Gate for a step: address, credentials, proxy, patience of one call."""

import functools
import importlib.metadata
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
import httpx

from orchestrator.plugin import Secret, Step
from orchestrator_spinnaker import tls
from orchestrator_spinnaker.errors import AccessUnusable
from orchestrator_spinnaker.gate import Gate
from orchestrator_spinnaker.proxies import proxy_for
from orchestrator_spinnaker.session import Session
from orchestrator_spinnaker.settings import Auth, SpinnakerSettings, seconds

CONNECT = 10.0
"""Seconds that a connection may take, at most: until then nothing was sent."""
HTTPS = 443
DISTRIBUTION = "orchestrator-spinnaker"


@asynccontextmanager
async def open_gate(step: Step[SpinnakerSettings]) -> AsyncIterator[Gate]:
    """The Gate of this step, until the block ends. Raises AccessUnusable."""
    it = step.config
    limit = seconds(it.request_timeout)
    url = it.gate.rstrip("/")
    context = await _tls(step)
    proxy = proxy_for(url, step.base_env)
    client = httpx.AsyncClient(
        auth=_basic(it.auth),
        headers={"User-Agent": _user_agent(), "Accept": "application/json", **_bearer(it.auth)},
        verify=context,
        proxy=proxy,
        timeout=httpx.Timeout(limit, connect=min(limit / 2, CONNECT)),
        trust_env=False,
    )

    async def refusal() -> BaseException | None:
        address = httpx.URL(url)
        port = address.port or HTTPS
        return await anyio.to_thread.run_sync(tls.refusal, context, address.host, port)

    asks = url.startswith("https:") and proxy is None
    async with client:
        yield Gate(
            client,
            url,
            session=_session(it),
            credentials=kind(it.auth),
            limit=limit,
            refusal=refusal if asks else None,
        )


def kind(auth: Auth) -> str:
    """The setting that says who we are; empty where there is none."""
    for name in ("basic", "session", "bearer", "certificate"):
        if getattr(auth, name) is not None:
            return f"auth.{name}"
    return ""


async def _tls(step: Step[SpinnakerSettings]) -> ssl.SSLContext:
    if not step.config.gate.startswith("https:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return await anyio.to_thread.run_sync(tls.context, step.config.auth, step.workdir)


def _basic(auth: Auth) -> httpx.BasicAuth | None:
    if auth.basic is None:
        return None
    return httpx.BasicAuth(_text(auth.basic.username), _text(auth.basic.password))


def _bearer(auth: Auth) -> dict[str, str]:
    if auth.bearer is None:
        return {}
    token = _text(auth.bearer).strip()
    if not token or not all("!" <= sign <= "~" for sign in token):
        text = "`auth.bearer` is no token: it is empty, or has spaces or other such characters"
        raise AccessUnusable(text, setting="auth.bearer")
    return {"Authorization": f"Bearer {token}"}


def _session(settings: SpinnakerSettings) -> Session | None:
    given = settings.auth.session
    if given is None:
        return None
    return Session(settings.gate.rstrip("/"), _text(given.username), _text(given.password))


def _text(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value


@functools.cache
def _user_agent() -> str:
    return f"{DISTRIBUTION}/{importlib.metadata.version(DISTRIBUTION)}"
