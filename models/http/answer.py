"""The answer to one request, put together from its events."""

from __future__ import annotations

import time
from collections.abc import Callable

from rung.models.http.failures import Failure
from rung.models.http.sample import Sample
from rung.models.http.wire import Choice, Chunk, WireUsage
from rung.models.protocol import FinishReason, InvalidResponse, ModelRefused, OnSample, OnToken

_REASONS = {
    "length": FinishReason.LENGTH,
    "stop": FinishReason.STOP,
    "eos": FinishReason.STOP,
    "eos_token": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "doubt": FinishReason.DOUBT,  # rung's own server, whose Stop expects the next token to be wrong
}


class Answer:
    """Samples by the server's index, usage, and when each sample ended.

    new_sample: makes one. on_token: (index of the sample in this request, token). on_sample: (its index, its text).
    """

    def __init__(
        self,
        name: str,
        n: int,
        new_sample: Callable[[], Sample],
        on_token: OnToken | None,
        on_sample: OnSample | None = None,
    ) -> None:
        self.samples: dict[int, Sample] = {}
        self.total: WireUsage | None = None
        self.parts: dict[int, WireUsage] = {}
        self.ended_at: dict[int, float] = {}
        self._name = name
        self._n = n
        self._new_sample = new_sample
        self._on_token = on_token
        self._on_sample = on_sample

    @property
    def begun(self) -> bool:
        """Whether anything was generated: from here on it costs."""
        return any(sample.pieces or sample.raw_tokens or sample.server_finished for sample in self.samples.values())

    @property
    def decided(self) -> bool:
        """Nothing that still comes can change a text, and the server does not know it: close the connection."""
        return (
            len(self.samples) == self._n
            and all(sample.finish_reason for sample in self.samples.values())
            and not all(sample.server_finished for sample in self.samples.values())
        )

    def take(self, chunk: Chunk) -> None:
        """One event; raises Failure."""
        for choice in chunk.choices:
            self._take(choice)
        if chunk.usage is None:
            return
        if chunk.choices:
            self.parts |= {choice.index: chunk.usage for choice in chunk.choices}
        else:
            self.total = chunk.usage

    def close(self, *, done: bool) -> None:
        """The stream is over; done: by its own end mark. Raises Failure for half an answer."""
        if not self.begun:
            error = InvalidResponse(f"Rung '{self._name}': the server ended its answer before it began; see its log.")
            raise Failure(error, fell_silent=True)
        self.samples = dict(sorted(self.samples.items()))
        if list(self.samples) != list(range(len(self.samples))):
            raise self._invalid("it left out a sample")
        whole = all(sample.finish_reason for sample in self.samples.values())
        if not whole or not (done or len(self.samples) == self._n):
            raise Failure(
                InvalidResponse(
                    f"Rung '{self._name}': the server broke off in the middle of its answer; "
                    "see its log, and whether another program uses it."
                )
            )

    def _take(self, choice: Choice) -> None:
        index = choice.index
        if index >= self._n:
            raise self._invalid(f"it numbers a sample {index} where {self._n} were asked for")
        text = choice.text or ""
        tokens = choice.logprobs.read() if choice.logprobs else []
        sample = self.samples.setdefault(index, self._new_sample())
        if sample.server_finished:
            if text:
                raise self._invalid("text came after the end of its sample")
            return
        known = sample.feed(text, tokens)
        if choice.finish_reason is not None:
            known += sample.finish(self._reason(choice.finish_reason))
        if self._on_token:
            for token in known:
                self._on_token(index, token)
        if sample.finish_reason and index not in self.ended_at:
            self.ended_at[index] = time.monotonic()
            if self._on_sample:
                self._on_sample(index, sample.text)

    def _reason(self, reason: str) -> FinishReason:
        if reason == "content_filter":
            raise Failure(ModelRefused(f"Rung '{self._name}': the server's content filter stopped the answer."))
        if reason not in _REASONS:
            raise self._invalid("it ended for a reason that is none of 'stop', 'length' and 'doubt'")
        return _REASONS[reason]

    def _invalid(self, what: str) -> Failure:
        return Failure(InvalidResponse(f"Rung '{self._name}': the server's answer is no completion: {what}."))
