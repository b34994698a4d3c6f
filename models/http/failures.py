"""What can go wrong with a request, as a sentence for the user and a rule for trying again."""

from __future__ import annotations

import json
import math
import ssl
import unicodedata
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

from rung.models.http.endpoint import Endpoint
from rung.models.protocol import InvalidResponse, ModelError, ModelRefused, ModelTimeout, ModelUnavailable

_SHOWN = 200  # characters of a server's own message
BUSY_TRIES = 3


class Failure(Exception):
    """A request that gave no answer.

    tries: how often a request may be sent in all when this happens; 1 is never again.
    wait: seconds the server asked to be left alone. status, message, param: of a refusal, to find
    out what the server does not know. fell_silent: it said 200 and then nothing.
    """

    def __init__(
        self,
        error: ModelError,
        *,
        tries: int = 1,
        wait: float | None = None,
        status: int | None = None,
        message: str = "",
        param: str = "",
        fell_silent: bool = False,
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.tries = tries
        self.wait = wait
        self.status = status
        self.message = message
        self.param = param
        self.fell_silent = fell_silent


def of_transport(endpoint: Endpoint, error: httpx.TransportError, connect: float) -> Failure:
    """The connection failed before a byte of the answer came. connect: seconds it had."""
    at = f"Rung '{endpoint.name}': the server at {endpoint}"
    if isinstance(error, httpx.TimeoutException):
        return Failure(ModelTimeout(f"{at} did not accept a connection within {connect:g} s; is it running?"))
    if _certificate(error):
        return Failure(ModelUnavailable(f"{at} has a certificate that this machine does not trust; check the URL."))
    if isinstance(error, httpx.ConnectError):
        return Failure(ModelUnavailable(f"{at} cannot be reached; start it or check the URL."), tries=BUSY_TRIES)
    if isinstance(error, httpx.ProxyError):
        return Failure(ModelUnavailable(f"{at} cannot be reached through the proxy; check HTTPS_PROXY."))
    if isinstance(error, httpx.RemoteProtocolError) and "disconnected" not in str(error):
        return Failure(InvalidResponse(f"{at} does not speak HTTP; check the URL."))
    closed = ModelUnavailable(f"{at} closed the connection without an answer.")
    closed.paid = True
    return Failure(closed, tries=BUSY_TRIES)


def of_status(
    endpoint: Endpoint, model: str, status: int, body: str, retry_after: str | None, key: str | None
) -> Failure:
    """An answer that is not 200."""
    message, param = _server_message(body)
    said = safe(message, key)
    quoted = f": {said}" if said else "."
    at = f"Rung '{endpoint.name}': the server at {endpoint}"
    wait = seconds_to_wait(retry_after)
    error: ModelError
    if status in (401, 403):
        return Failure(ModelRefused(f"{at} did not accept {endpoint.the_key} ({status}); set a valid one."))
    if status == 404:
        error = ModelRefused(f"{at} does not know the model '{model}' or the URL is wrong (404); check both.")
        return Failure(error, status=status)
    if status == 429:
        later = f"wait {math.ceil(wait)} s" if wait else "wait a little"
        return Failure(
            ModelRefused(f"{at} got too many requests (429); {later} or raise its limit."), tries=BUSY_TRIES, wait=wait
        )
    if status == 503:
        return Failure(
            ModelUnavailable(f"{at} is overloaded or still loading (503); try again soon."), tries=BUSY_TRIES, wait=wait
        )
    if status >= 500:
        # 501 and 505 are about the request and stay as they are
        tries = 2 if status in (500, 502, 504) else 1
        error = ModelUnavailable(f"{at} failed ({status}), see its log{quoted}")
        return Failure(error, tries=tries, status=status, message=message, param=param)
    if status >= 400:
        reason = f"{status} {_phrase(status)}".strip()
        error = ModelRefused(f"{at} refused the request ({reason}){quoted}")
        return Failure(error, status=status, message=message, param=param)
    if status >= 300:
        error = InvalidResponse(
            f"{at} redirects to another address ({status}); put the final URL in the configuration."
        )
        return Failure(error)
    return Failure(InvalidResponse(f"{at} answered {status}, which is no completion; check the URL."))


def of_event(endpoint: Endpoint, error: object, key: str | None, *, begun: bool) -> Failure:
    """An error that the server put into the stream. begun: after tokens, which are paid: it is not asked again."""
    message, param = _server_message(json.dumps({"error": error}))
    code = error.get("code") if isinstance(error, dict) else None
    said = safe(message, key) or "it does not say why"
    text = f"Rung '{endpoint.name}': the server at {endpoint} gave up on the request: {said}"
    if isinstance(code, int) and 400 <= code < 500:
        return Failure(ModelRefused(text), status=None if begun else code, message=message, param=param)
    return Failure(ModelUnavailable(text))


def safe(text: str, key: str | None) -> str:
    """A server's words, fit for one line: without control characters, without the key, not long."""
    if key:
        text = text.replace(key, "[key]")
    plain = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text[: 20 * _SHOWN])
    plain = " ".join(plain.split())
    return plain if len(plain) <= _SHOWN else plain[: _SHOWN - 1] + "…"


def seconds_to_wait(retry_after: str | None) -> float | None:
    """The Retry-After header (RFC 9110, section 10.2.3), seconds or a date; None where it is neither."""
    if not retry_after:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            when = parsedate_to_datetime(retry_after)
        except ValueError:
            return None
        if when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        seconds = (when - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _server_message(body: str) -> tuple[str, str]:
    """(message, name of the field it is about) of OpenAI's, FastAPI's and llama-server's errors."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        # a proxy's page of HTML says nothing to a user
        return ("" if "<" in body else body), ""
    if not isinstance(answer, dict):
        return "", ""
    error = answer.get("error", answer.get("detail", answer))
    if isinstance(error, str):
        return error, ""
    if isinstance(error, list) and error and isinstance(error[0], dict):
        # FastAPI repeats the input, which is the user's text: only the place and the message are taken
        where = error[0].get("loc")
        param = str(where[-1]) if isinstance(where, list) and where else ""
        return f"{param}: {error[0].get('msg', '')}", param
    if isinstance(error, dict):
        said, field = error.get("message"), error.get("param")
        return (said if isinstance(said, str) else ""), (field if isinstance(field, str) else "")
    return "", ""


def _certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
