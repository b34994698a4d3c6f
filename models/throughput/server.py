"""The server whose throughput is measured."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType

import httpx

from rung.models.http.endpoint import Endpoint, headers
from rung.models.http.failures import Failure, of_event, of_status
from rung.models.http.features import Feature, Features
from rung.models.http.listing import listed, some_of
from rung.models.http.stream import ERROR_BYTES, Timeouts, read_bounded, send
from rung.models.http.wire import BadChunk
from rung.models.protocol import InvalidResponse, ModelRefused, ModelTimeout, ModelUnavailable
from rung.models.throughput.load import Kind, Wanted
from rung.models.throughput.timed import Reading, Timed

TIMEOUTS = Timeouts(connect=10.0, first_token=120.0, whole=120.0)


class Uncounted(InvalidResponse):
    """The server does not say how many tokens it generated."""


class Server:
    """An OpenAI-compatible `/v1/completions`; enter it.

    model: as the server calls it. Requests have the fields that rung's have: streamed, greedy, with log-probabilities
    for lines, unless the server refuses those.
    """

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        self.model = model
        self._endpoint = endpoint
        self._logprobs = True
        self._client = httpx.AsyncClient(
            follow_redirects=False,  # the key stays with the host it is for
            trust_env=not endpoint.loopback,
            timeout=httpx.Timeout(None, connect=TIMEOUTS.connect),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
        )

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def only_model(self) -> str:
        """The one that the server lists at /v1/models. Raises Failure; of ModelRefused where it is not one."""
        try:
            async with asyncio.timeout(TIMEOUTS.whole):
                names = await listed(self._client, self._endpoint, "", TIMEOUTS)
        except TimeoutError:
            raise self._too_slow() from None
        if len(names) != 1:
            said = f"lists {len(names)} models ({some_of(names)}); say which with --model NAME."
            raise Failure(ModelRefused(f"{self._at} {said}"))
        return names[0]

    async def try_out(self, requests: list[Wanted]) -> None:
        """One after another, so that the server has compiled and loaded what it needs. Raises Failure."""
        for wanted in requests:
            try:
                await self.ask(wanted)
            except Failure as failure:
                sent = {Feature.LOGPROBS} if self._logprobs and wanted.kind is Kind.LINE else set()
                if Features().suspect(sent, failure) is not Feature.LOGPROBS:
                    raise
                self._logprobs = False
                await self.ask(wanted)

    async def ask(self, wanted: Wanted) -> Timed:
        """Raises Failure; of Uncounted where the server does not count."""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(TIMEOUTS.whole):
                try:
                    return await self._ask(wanted, started)
                except Failure as failure:
                    # the server closed a kept connection just then: every client asks again on a new one
                    if not isinstance(
                        failure.__cause__, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError
                    ):
                        raise
                    return await self._ask(wanted, started)
        except TimeoutError:
            raise self._too_slow() from None

    async def _ask(self, wanted: Wanted, started: float) -> Timed:
        key = self._endpoint.key()
        request = self._client.build_request(
            "POST",
            self._endpoint.url("completions"),
            json=self._body(wanted),
            headers={**headers(key), "Accept": "text/event-stream"},
        )
        response = await send(self._client, self._endpoint, request, TIMEOUTS)
        try:
            if response.status_code != 200:
                text = await read_bounded(response, ERROR_BYTES)
                wait = response.headers.get("retry-after")
                raise of_status(self._endpoint, self.model, response.status_code, text, wait, key)
            reading = await self._read(response)
        finally:
            await response.aclose()
        ended = time.perf_counter()
        if reading.error is not None:
            raise of_event(self._endpoint, reading.error, key, begun=reading.first_text is not None)
        if not reading.done:
            raise self._silent()
        return self._timed(wanted, reading, started, ended)

    async def _read(self, response: httpx.Response) -> Reading:
        """The whole body, so that the connection serves the next request."""
        reading = Reading()
        try:
            async for piece in response.aiter_raw():
                reading.feed(piece)
        except BadChunk as error:
            raise self._invalid(str(error)) from error
        except httpx.TransportError:
            raise self._silent() from None
        return reading

    def _timed(self, wanted: Wanted, reading: Reading, started: float, ended: float) -> Timed:
        if reading.usage is None:
            error = Uncounted(
                f"{self._at} does not count the tokens that it "
                "streams (`stream_options`), and rung does not guess a price; measure a server that does, such as vLLM "
                "or llama-server."
            )
            raise Failure(error)
        usage = reading.usage
        first = ended if reading.first_text is None else reading.first_text
        return Timed(
            wanted.kind, first - started, ended - started, usage.prompt_tokens, usage.cached, usage.completion_tokens
        )

    def _body(self, wanted: Wanted) -> dict[str, object]:
        body: dict[str, object] = {
            "model": self.model,
            "prompt": wanted.prompt,
            "max_tokens": wanted.max_tokens,
            "temperature": 0.0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if wanted.stop:
            body["stop"] = list(wanted.stop)
        if self._logprobs and wanted.kind is Kind.LINE:
            body["logprobs"] = 1
        return body

    @property
    def _at(self) -> str:
        return f"Rung '{self._endpoint.name}': the server at {self._endpoint}"

    def _too_slow(self) -> Failure:
        return Failure(
            ModelTimeout(f"{self._at} did not answer a request within {TIMEOUTS.whole:g} s; is it overloaded?")
        )

    def _silent(self) -> Failure:
        return Failure(
            ModelUnavailable(f"{self._at} broke off in the middle of an answer; see its log."), fell_silent=True
        )

    def _invalid(self, reason: str) -> Failure:
        return Failure(InvalidResponse(f"{self._at} answered no completion: {reason}; check the URL."))
