"""A rung behind an OpenAI-compatible `/v1/completions`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

import httpx

from rung.models.http import check
from rung.models.http.answer import Answer
from rung.models.http.breaker import CircuitBreaker, CircuitOpen
from rung.models.http.count import usages
from rung.models.http.endpoint import Endpoint
from rung.models.http.failures import Failure
from rung.models.http.features import Feature, Features
from rung.models.http.heal import Cut
from rung.models.http.request import Request, sendable
from rung.models.http.retry import retrying
from rung.models.http.sample import Sample
from rung.models.http.stream import Timeouts, ask
from rung.models.http.told import Told
from rung.models.protocol import (
    FinishReason,
    Generation,
    InvalidResponse,
    ModelTimeout,
    ModelUnavailable,
    OnSample,
    OnToken,
    Prompt,
    Sampling,
)
from rung.models.statement import StatementScanner, scanner_of

# A server that answers so may have generated all that was asked for.
_WORKED = (500, 502, 504)


class HttpModel:
    """Implements `rung.models.protocol.Model`.

    name: of the rung, for messages. base_url: with its `/v1`. model: as the server calls it.
    key: gives the key for each request; key_name: where the user set it. suffix: send what
    follows the cursor, for a model with fill-in-the-middle tokens. extra: fields of the request
    that only this server has, such as {"repeat_penalty": 1.0} for llama-cpp-python's, which
    penalizes repetition unless told otherwise.
    Raises ValueError, one sentence, where base_url is none.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        model: str,
        *,
        key: Callable[[], str | None] | None = None,
        key_name: str | None = None,
        timeouts: Timeouts | None = None,
        suffix: bool = False,
        extra: Mapping[str, object] | None = None,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        self._name = name
        self._model = model
        self._endpoint = Endpoint(name, base_url, key, key_name)
        self._timeouts = timeouts or Timeouts()
        self._suffix = suffix
        self._extra = dict(extra or {})
        self._breaker = breaker or CircuitBreaker()
        self._features = Features()
        self._last_failure = ""
        self._client = httpx.AsyncClient(
            follow_redirects=False,  # the key stays with the host it is for
            trust_env=not self._endpoint.loopback,  # a proxy cannot reach this machine's loopback
            timeout=httpx.Timeout(None, connect=self._timeouts.connect),
        )

    @property
    def name(self) -> str:
        return self._name

    def __repr__(self) -> str:
        return f"HttpModel({self._name!r}, {str(self._endpoint)!r}, {self._model!r})"

    async def generate(
        self,
        prompt: Prompt,
        sampling: Sampling,
        on_token: OnToken | None = None,
        on_sample: OnSample | None = None,
    ) -> list[Generation]:
        """As the protocol says. on_token is not called where the server gives no log-probabilities.

        Each request of a call that needs several has its prompt's tokens in the usage of its
        first sample: they were paid for each time.
        """
        try:
            permit = self._breaker.enter()
        except CircuitOpen as circuit:
            raise ModelUnavailable(self._not_asked(circuit.seconds)) from None
        try:
            generations = await self._within_limit(
                prompt, sampling, Told(on_token, on_sample if sampling.n > 1 else None)
            )
        except Failure as failure:
            error = failure.error
            if isinstance(error, ModelUnavailable | InvalidResponse) or failure.wait is not None:
                self._last_failure = str(error).removeprefix(f"Rung '{self._name}': ")
                permit.fail(failure.wait)
            else:
                permit.succeed()
            raise error from failure
        else:
            permit.succeed()
            return generations
        finally:
            permit.release()

    async def check(self) -> check.Check:
        """Whether the server answers and knows the model; for the doctor. Raises nothing."""
        return await check.check(self._client, self._endpoint, self._model, self._timeouts)

    async def close(self) -> None:
        await self._client.aclose()

    async def _within_limit(self, prompt: Prompt, sampling: Sampling, told: Told) -> list[Generation]:
        prompt = sendable(prompt)
        request = Request(self._model, prompt, sampling, Cut.of(prompt.prefix), self._suffix, self._extra)
        started = time.monotonic()
        generations: list[Generation] = []
        try:
            async with asyncio.timeout(self._timeouts.whole) as limit:
                while len(generations) < sampling.n:
                    generations += await self._some(request, len(generations), told, started, limit.when() or 0.0)
        except TimeoutError:
            error = ModelTimeout(
                f"Rung '{self._name}': the answer was not complete within {self._timeouts.whole:g} s; "
                "ask for fewer tokens or give it more time."
            )
            raise Failure(error) from None
        return generations

    async def _some(
        self,
        request: Request,
        done: int,
        told: Told,
        started: float,
        deadline: float,
    ) -> list[Generation]:
        """At least one of the samples that are missing, as many as the server gives in one request."""
        n = self._features.n(request.sampling.n - done)
        features = request.wants(n) - self._features.refused
        first: Failure | None = None
        dropped: Feature | None = None
        while True:
            try:
                answer: Answer = await retrying(deadline)(self._once, request, features, n, done, told)
            except Failure as failure:
                first = first or failure
                dropped = self._features.suspect(features, failure)
                if dropped is None:
                    # the same refusal again: what the server said of the request as it was meant
                    raise (first if failure.status == first.status else failure) from None
                if dropped is Feature.N:
                    n //= 2
                if dropped is not Feature.N or n == 1:
                    features = features - {dropped}
            else:
                self._features.succeeded(features, dropped, n, len(answer.samples))
                return self._generations(request, answer, started)

    async def _once(
        self,
        request: Request,
        features: set[Feature],
        n: int,
        done: int,
        told: Told,
    ) -> Answer:
        answer = Answer(
            self._name,
            n,
            lambda: Sample(request.cut, request.sampling, _scanner(request)),
            *told.behind(done),
        )
        try:
            await ask(
                self._client,
                self._endpoint,
                request.body(features, n, done),
                answer,
                model=self._model,
                tokens=n * request.sampling.max_tokens,
                timeouts=self._timeouts,
            )
        except Failure as failure:
            failure.error.paid |= answer.begun or done > 0 or failure.status in _WORKED
            raise
        return answer

    def _generations(self, request: Request, answer: Answer, started: float) -> list[Generation]:
        paid = usages(request.paid_text, request.sampling.max_tokens, answer.samples, answer.total, answer.parts)
        return [
            Generation(
                sample.text,
                sample.tokens,
                sample.finish_reason or FinishReason.STOP,
                usage,
                answer.ended_at[index] - started,
            )
            for (index, sample), usage in zip(answer.samples.items(), paid, strict=True)
        ]

    def _not_asked(self, seconds: float) -> str:
        when = f"tried again in {seconds:.0f} s" if seconds >= 1 else "being tried again now"
        return f"Rung '{self._name}': not asked, it is {when}, because it failed before: {self._last_failure}"


def _scanner(request: Request) -> StatementScanner | None:
    """None where a stop string ends the line: a stream that rung closes says nothing of its usage."""
    return None if "\n" in request.sampling.stop else scanner_of(request.prompt, request.sampling)
