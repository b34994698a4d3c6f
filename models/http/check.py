"""The doctor's question to a server: are you there, and do you have this model?"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import httpx

from rung.models.http.endpoint import Endpoint
from rung.models.http.failures import Failure
from rung.models.http.listing import SHOWN, NoList, listed, some_of
from rung.models.http.stream import Timeouts
from rung.models.protocol import ModelError

_SAYS_NOTHING = (404, 405, 501)


@dataclass(frozen=True, slots=True)
class Check:
    """answers: it can be asked for completions. listed: None where the server does not say which models it has.

    sentence: for the user. milliseconds: until the answer, or until it was clear that there is none.
    """

    answers: bool
    listed: bool | None
    milliseconds: float
    sentence: str


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
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return result(True, False, f"{at}, but does not list the model '{model}'; it lists {some_of(names)}{more}.")


async def _names(client: httpx.AsyncClient, endpoint: Endpoint, model: str, timeouts: Timeouts) -> list[str] | None:
    try:
        return await listed(client, endpoint, model, timeouts)
    except Failure as failure:
        if failure.status in _SAYS_NOTHING or isinstance(failure.error, NoList):
            return None
        raise
