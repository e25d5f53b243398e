"""Which proxy a step's variables ask for: the same variables as for every other tool."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from orchestrator_spinnaker.errors import AccessUnusable

_ENDING = "_proxy"


def proxy_for(url: str, env: Mapping[str, str]) -> httpx.Proxy | None:
    """By `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case.

    Raises AccessUnusable for a proxy that can't be used; the message has none of its password.
    """
    given = {
        name.lower().removesuffix(_ENDING): value
        for name, value in sorted(env.items())
        if name.lower().endswith(_ENDING) and value
    }
    parts = urlsplit(url)
    chosen = next((name for name in (parts.scheme, "all") if name in given), None)
    if chosen is None or _is_exempt(url, given.get("no", "")):
        return None
    address = given[chosen] if "://" in given[chosen] else f"http://{given[chosen]}"
    scheme = urlsplit(address).scheme
    if scheme not in ("http", "https"):
        variable = f"{chosen}{_ENDING}".upper()
        text = f"{variable} of this step names a {scheme} proxy; only http and https ones are used"
        raise AccessUnusable(text, setting="gate")
    return httpx.Proxy(address)


def _is_exempt(url: str, no_proxy: str) -> bool:
    """Whether `NO_PROXY` names the host: itself, a domain above it, or `*`; with a port or not."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    port = parts.port or (443 if parts.scheme == "https" else 80)
    for entry in no_proxy.lower().split(","):
        name = entry.strip().removeprefix("*").removeprefix(".")
        if entry.strip() == "*":
            return True
        if name.endswith(f":{port}"):
            name = name.removesuffix(f":{port}")
        if name and (host == name.strip("[]") or host.endswith(f".{name}")):
            return True
    return False
