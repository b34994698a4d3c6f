"""Who generated how many tokens: as the server counted, or else an estimate on the safe side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rung.models.http.sample import Sample
from rung.models.http.wire import WireUsage
from rung.models.protocol import Usage

# SmolLM2 and Gemma 3 give 2.8 to 4.3 bytes a token for Python and for English; fewer bytes a token
# means more tokens, so that a budget is rather kept too early than too late
PROMPT_BYTES_PER_TOKEN = 2.5
# a server may put several tokens in one piece (speculative decoding)
GENERATED_BYTES_PER_TOKEN = 4


def usages(
    sent: str,
    max_tokens: int,
    samples: Mapping[int, Sample],
    total: WireUsage | None,
    parts: Mapping[int, WireUsage],
) -> list[Usage]:
    """The usage of each sample of one request, in the order of `samples`.

    total: of the whole request. parts: of single samples (llama-server, which counts the one
    prompt again for each). What belongs to the request is on its first sample.
    """
    streamed = [_streamed(sample, max_tokens) for sample in samples.values()]
    if total:
        generated = _share(total.completion_tokens, streamed)
        return _usages(total, generated, total.accepted_draft, total.rejected_draft)
    if samples and all(index in parts for index in samples):
        ordered = [parts[index] for index in samples]
        prompt = max(ordered, key=lambda part: part.prompt_tokens)
        accepted = sum(part.accepted_draft for part in ordered)
        rejected = sum(part.rejected_draft for part in ordered)
        return _usages(prompt, [part.completion_tokens for part in ordered], accepted, rejected)
    prompt_tokens = math.ceil(len(sent.encode()) / PROMPT_BYTES_PER_TOKEN)
    return [
        Usage(prompt=prompt_tokens if place == 0 else 0, generated=count, counted=False)
        for place, count in enumerate(streamed)
    ]


def _streamed(sample: Sample, max_tokens: int) -> int:
    """Tokens of a sample, as far as the stream shows them; rather too many than too few."""
    by_size = min(max_tokens, math.ceil(sample.raw_bytes / GENERATED_BYTES_PER_TOKEN))
    return max(sample.raw_tokens, sample.pieces, by_size)


def _usages(prompt: WireUsage, generated: Sequence[int], accepted: int, rejected: int) -> list[Usage]:
    first = Usage(prompt.prompt_tokens, prompt.cached, generated[0], accepted, rejected)
    return [first, *(Usage(generated=count) for count in generated[1:])]


def _share(total: int, weights: Sequence[int]) -> list[int]:
    """`total` split by `weights`, so that the parts add up to it."""
    whole = sum(weights)
    if whole == 0:
        return [total] + [0] * (len(weights) - 1)
    shares, done, seen = [], 0, 0
    for weight in weights:
        seen += weight
        upto = total * seen // whole
        shares.append(upto - done)
        done = upto
    return shares
