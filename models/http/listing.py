"""The models that a server says it has, at /v1/models."""

from __future__ import annotations

import asyncio

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from rung.models.http.endpoint import Endpoint, headers
from rung.models.http.failures import Failure, of_status, safe
from rung.models.http.stream import Timeouts, read_bounded, send
from rung.models.protocol import InvalidResponse

_LIST_BYTES = 4 * 1024 * 1024  # a provider's list of models takes some hundred KB
SHOWN = 5


class NoList(InvalidResponse):
    """What came is no list of models."""


class _Entry(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    id: str


class _Models(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    data: list[_Entry]


async def listed(client: httpx.AsyncClient, endpoint: Endpoint, model: str, timeouts: Timeouts) -> list[str]:
    """model: for the sentence of a refusal.

    Raises ModelError, and Failure: of NoList where it answers something else.
    """
    key = await asyncio.to_thread(endpoint.key)  # a keyring may wait for its user
    request = client.build_request("GET", endpoint.url("models"), headers=headers(key))
    response = await send(client, endpoint, request, timeouts)
    try:
        body = await read_bounded(response, _LIST_BYTES)
    finally:
        await response.aclose()
    if response.status_code != 200:
        raise of_status(endpoint, model, response.status_code, body, None, key)
    try:
        return [entry.id for entry in _Models.model_validate_json(body).data]
    except ValidationError:
        text = f"Rung '{endpoint.name}': the server at {endpoint} answered no completion: its list of models is none; "
        raise Failure(NoList(f"{text}check the URL.")) from None


def some_of(names: list[str]) -> str:
    """The first few of them, for a sentence."""
    return ", ".join(safe(name, None) for name in names[:SHOWN]) or "none"
