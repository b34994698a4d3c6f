"""One request and its streamed answer."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

import httpx
from httpx_sse import EventSource, SSEError

from rung.models.http.answer import Answer
from rung.models.http.endpoint import Endpoint, headers
from rung.models.http.failures import Failure, of_event, of_status, of_transport
from rung.models.http.wire import DONE, BadChunk, read_chunk
from rung.models.protocol import InvalidResponse, ModelTimeout, ModelUnavailable

ERROR_BYTES = 64 * 1024
_DRAIN_SECONDS = 0.1
_ANSWER_BYTES = 256 * 1024
_TOKEN_BYTES = 4 * 1024  # an event for one token with its log-probabilities takes 200 to 700


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. connect: to the server. first_token: from then to the first token. whole: of a call, with retries."""

    connect: float = 3.0
    first_token: float = 15.0
    whole: float = 60.0


async def ask(
    client: httpx.AsyncClient,
    endpoint: Endpoint,
    body: dict[str, object],
    answer: Answer,
    *,
    model: str,
    tokens: int,
    timeouts: Timeouts,
) -> None:
    """Fill `answer`; raises Failure. tokens: the most that can come, which bounds the bytes."""
    try:
        async with asyncio.timeout(None) as first_token:
            await _ask(client, endpoint, body, answer, model, tokens, timeouts, first_token)
    except TimeoutError:
        error = ModelTimeout(
            f"Rung '{endpoint.name}': the server at {endpoint} gave no first token within "
            f"{timeouts.first_token:g} s; it may be loading or busy."
        )
        raise Failure(error) from None


async def _ask(
    client: httpx.AsyncClient,
    endpoint: Endpoint,
    body: dict[str, object],
    answer: Answer,
    model: str,
    tokens: int,
    timeouts: Timeouts,
    first_token: asyncio.Timeout,
) -> None:
    async def trace(event: str, _info: object) -> None:
        # the connection stands, and its own limit is over
        if event.endswith("send_request_headers.started"):
            first_token.reschedule(asyncio.get_running_loop().time() + timeouts.first_token)

    key = await asyncio.to_thread(endpoint.key)  # a keyring may wait for its user
    request = client.build_request(
        "POST",
        endpoint.url("completions"),
        json=body,
        headers={**headers(key), "Accept": "text/event-stream"},
        extensions={"trace": trace},
    )
    response = await send(client, endpoint, request, timeouts)
    try:
        if response.status_code != 200:
            text = await read_bounded(response, ERROR_BYTES)
            raise of_status(endpoint, model, response.status_code, text, response.headers.get("retry-after"), key)
        await _read(endpoint, response, answer, tokens, first_token, key)
    finally:
        await response.aclose()


async def _read(
    endpoint: Endpoint,
    response: httpx.Response,
    answer: Answer,
    tokens: int,
    first_token: asyncio.Timeout,
    key: str | None,
) -> None:
    done = False
    try:
        async with aclosing(_events(response, _ANSWER_BYTES + tokens * _TOKEN_BYTES)) as events:
            async for data in events:
                if data == DONE:
                    done = True
                    await _drain(events)
                    break
                chunk = read_chunk(data)
                if chunk.error is not None:
                    raise of_event(endpoint, chunk.error, key, begun=answer.begun)
                answer.take(chunk)
                if answer.begun:
                    first_token.reschedule(None)
                if answer.decided:
                    break
    except (BadChunk, SSEError) as error:
        reason = "it is not a stream of events" if isinstance(error, SSEError) else str(error)
        text = f"Rung '{endpoint.name}': the server at {endpoint} answered no completion: {reason}; check the URL."
        raise Failure(InvalidResponse(text)) from error
    except httpx.TransportError:
        pass  # cut off: the answer knows whether what came before is whole
    answer.close(done=done)


async def _drain(events: AsyncGenerator[str, None]) -> None:
    """Read the end of the body, so that the connection can serve the next request; not at any price."""
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _ in events:
                return
    except TimeoutError:
        return


async def _events(response: httpx.Response, limit: int) -> AsyncGenerator[str, None]:
    if response.headers.get("content-encoding", "identity") != "identity":
        raise BadChunk("it is compressed, which was not asked for")
    response.encoding = "utf-8"
    assert isinstance(response.stream, httpx.AsyncByteStream)
    response.stream = _Checked(response.stream, limit)
    async with aclosing(EventSource(response).aiter_sse()) as events:
        async for event in events:
            if event.data:
                yield event.data


class _Checked(httpx.AsyncByteStream):
    """Bytes that are UTF-8 and not too many; raises BadChunk."""

    def __init__(self, stream: httpx.AsyncByteStream, limit: int) -> None:
        self._stream = stream
        self._left = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        decoder = codecs.getincrementaldecoder("utf-8")()
        async for piece in self._stream:
            self._left -= len(piece)
            if self._left < 0:
                raise BadChunk("it is far longer than what was asked for")
            try:
                decoder.decode(piece)
            except UnicodeDecodeError:
                raise BadChunk("it is not UTF-8") from None
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


async def send(
    client: httpx.AsyncClient, endpoint: Endpoint, request: httpx.Request, timeouts: Timeouts
) -> httpx.Response:
    """The beginning of an answer, to be closed by the caller; raises Failure."""
    if client.is_closed:
        raise Failure(ModelUnavailable(f"Rung '{endpoint.name}': it was closed; restart rung."))
    try:
        return await client.send(request, stream=True)
    except httpx.TransportError as error:
        raise of_transport(endpoint, error, timeouts.connect) from error


async def read_bounded(response: httpx.Response, limit: int) -> str:
    """The first `limit` bytes of a body as text, "" where the server does not finish it."""
    body = b""
    try:
        async for piece in response.aiter_raw():
            body += piece
            if len(body) >= limit:
                break
    except httpx.TransportError:
        return ""
    return body[:limit].decode("utf-8", errors="replace")
