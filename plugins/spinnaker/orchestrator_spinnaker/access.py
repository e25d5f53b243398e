"""Opening Gate for a step: address, credentials, patience of one call."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from orchestrator.plugin import Secret, Step
from orchestrator_spinnaker.gate import Gate
from orchestrator_spinnaker.settings import SpinnakerSettings, seconds


@asynccontextmanager
async def open_gate(step: Step[SpinnakerSettings]) -> AsyncIterator[Gate]:
    """The Gate of this step, until the block ends."""
    it = step.config
    basic = it.auth.basic
    auth = None if basic is None else httpx.BasicAuth(_text(basic.username), _text(basic.password))
    async with httpx.AsyncClient(auth=auth, timeout=seconds(it.request_timeout)) as client:
        yield Gate(client, it.gate)


def _text(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value
