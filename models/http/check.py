"""The doctor's question to a server: are you there, and do you have this model?"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from rung.models.http.endpoint import Endpoint, headers
from rung.models.http.failures import Failure, of_status, safe
from rung.models.http.stream import Timeouts, read_bounded, send
from rung.models.protocol import ModelError

_LIST_BYTES = 4 * 1024 * 1024  # a provider's list of models takes some hundred KB
_NAMES = 5


@dataclass(frozen=True, slots=True)
class Check:
    """answers: it can be asked for completions. listed: None where the server does not say which models it has.

    sentence: for the user. milliseconds: until the answer, or until it was clear that there is none.
    """

    answers: bool
    listed: bool | None
    milliseconds: float
    sentence: str


class _Entry(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    id: str


class _Models(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    data: list[_Entry]


async def check(client: httpx.AsyncClient, endpoint: Endpoint, model: str, timeouts: Timeouts) -> Check:
    """GET /v1/models; what fails is said in the sentence, nothing is raised."""
    started = time.perf_counter()

    def result(answers: bool, listed: bool | None, sentence: str) -> Check:
        return Check(answers, listed, (time.perf_counter() - started) * 1000, sentence)

    seconds = min(timeouts.connect + timeouts.first_token, timeouts.whole)
    try:
        async with asyncio.timeout(seconds):
            names = await _names(client, endpoint, model, timeouts)
    except TimeoutError:
        return result(False, None, f"Rung '{endpoint.name}': the server at {endpoint} did not answer in {seconds:g} s.")
    except Failure as failure:
        return result(False, None, str(failure.error))
    except ModelError as error:
        return result(False, None, str(error))
    at = f"Rung '{endpoint.name}': the server at {endpoint} answers"
    if names is None:
        return result(True, None, f"{at}; it does not say which models it has.")
    if model in names:
        return result(True, True, f"{at} and has the model '{model}'.")
    some = ", ".join(safe(name, None) for name in names[:_NAMES]) or "none"
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return result(True, False, f"{at}, but does not list the model '{model}'; it lists {some}{more}.")


async def _names(client: httpx.AsyncClient, endpoint: Endpoint, model: str, timeouts: Timeouts) -> list[str] | None:
    key = await asyncio.to_thread(endpoint.key)  # a keyring may wait for its user
    request = client.build_request("GET", endpoint.url("models"), headers=headers(key))
    response = await send(client, endpoint, request, timeouts)
    try:
        body = await read_bounded(response, _LIST_BYTES)
    finally:
        await response.aclose()
    if response.status_code in (404, 405, 501):
        return None
    if response.status_code != 200:
        raise of_status(endpoint, model, response.status_code, body, None, key)
    try:
        return [entry.id for entry in _Models.model_validate_json(body).data]
    except ValidationError:
        return None
