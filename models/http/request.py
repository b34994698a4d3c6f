"""The body of a request to `/v1/completions`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rung.models.http.features import Feature
from rung.models.http.heal import Cut
from rung.models.protocol import Prompt, Sampling

SERVER_STOPS = 4  # OpenAI's limit; all of them are enforced on what comes back


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt, as it is sent, in whole or in several requests of fewer samples.

    suffix: whether it is sent. extra: fields of the server's own, under those that rung sends.
    """

    model: str
    prompt: Prompt
    sampling: Sampling
    cut: Cut
    suffix: bool
    extra: Mapping[str, object]

    def wants(self, n: int) -> set[Feature]:
        """The parts of the request that a server might refuse."""
        wanted = {Feature.LOGPROBS, Feature.STREAM_OPTIONS}
        if self.prompt.draft:
            wanted.add(Feature.PREDICTION)
        if n > 1:
            wanted.add(Feature.N)
        return wanted

    def body(self, features: set[Feature], n: int, done: int) -> dict[str, object]:
        """done: samples that earlier requests gave; they were drawn from other seeds."""
        body: dict[str, object] = {
            **self.extra,
            "model": self.model,
            "prompt": self.prompt.context + self.cut.prefix,
            "max_tokens": self.sampling.max_tokens,
            "temperature": self.sampling.temperature,
            "stream": True,
        }
        stops = [_whole(stop) for stop in self.sampling.stop if stop and not self.cut.may_reach(stop)]
        if stops:
            body["stop"] = stops[:SERVER_STOPS]
        if self.sampling.seed is not None:
            body["seed"] = self.sampling.seed + done
        if self.suffix and self.prompt.suffix:
            body["suffix"] = self.prompt.suffix
        if Feature.N in features:
            body["n"] = n
        if self.sampling.logprobs and Feature.LOGPROBS in features:
            body["logprobs"] = 1
        if Feature.STREAM_OPTIONS in features:
            body["stream_options"] = {"include_usage": True}
        if Feature.PREDICTION in features:
            # the server's text begins with the blanks that were cut
            body["prediction"] = {"type": "content", "content": self.cut.blanks + self.prompt.draft}
        return body

    @property
    def paid_text(self) -> str:
        """What the prompt tokens of one request are made of."""
        return self.prompt.context + self.cut.prefix + (self.prompt.suffix if self.suffix else "")


def sendable(prompt: Prompt) -> Prompt:
    """A prompt that UTF-8 can hold: editors may cut a character in two UTF-16 halves."""
    return Prompt(_whole(prompt.prefix), _whole(prompt.suffix), _whole(prompt.draft), _whole(prompt.context))


def _whole(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
