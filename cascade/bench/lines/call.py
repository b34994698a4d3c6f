"""One call of a model as a row of the journal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from rung.cascade.bench.lines.journal import Row
from rung.models.protocol import FinishReason, Generation, Prompt, Sampling, Token, Usage, mean_probability


@dataclass(frozen=True, slots=True)
class Call:
    """What came back. arrivals: of each generation's tokens, in seconds after the call; none where none was told."""

    generations: tuple[Generation, ...]
    arrivals: tuple[tuple[float, ...], ...]


def call_key(rung: str, prompt: Prompt, sampling: Sampling) -> str:
    """The same for equal calls, in every process. A doubt changes only where they are cut off: see `doubted`."""
    text = json.dumps([rung, asdict(prompt), asdict(replace(sampling, doubt=None))], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def doubted(call: Call, doubt: tuple[int, float] | None) -> Call:
    """The call as it would have ended with this `Sampling.doubt`, at the arrival of the last token that it judges."""
    if doubt is None:
        return call
    pairs = zip(call.generations, call.arrivals, strict=True)
    return replace(call, generations=tuple(_doubted(generation, arrivals, *doubt) for generation, arrivals in pairs))


def call_row(rung: str, call: Call) -> Row:
    """rung: for the reader."""
    pairs = zip(call.generations, call.arrivals, strict=True)
    return {"rung": rung, "generations": [_row(generation, arrivals) for generation, arrivals in pairs]}


def call_of(row: Row) -> Call:
    """Raises KeyError, TypeError or ValueError where it is none."""
    arrivals = (tuple(map(float, generation["arrivals"])) for generation in row["generations"])
    return Call(tuple(map(_generation, row["generations"])), tuple(arrivals))


def _doubted(generation: Generation, arrivals: Sequence[float], count: int, least: float) -> Generation:
    """A sample that ended by itself with these tokens is not doubted."""
    first = generation.tokens[:count]
    if len(generation.tokens) <= count or mean_probability(first) >= least:
        return generation
    text = "".join(token.text for token in first)
    unused = len(generation.tokens) - count
    return Generation(
        text=generation.text[: len(text)],
        tokens=first,
        finish_reason=FinishReason.DOUBT,
        usage=replace(generation.usage, generated=generation.usage.generated - unused),
        seconds=arrivals[count - 1] if len(arrivals) >= count else generation.seconds,
    )


def _row(generation: Generation, arrivals: Sequence[float]) -> Row:
    return {
        "text": generation.text,
        "tokens": [[token.text, token.logprob] for token in generation.tokens],
        "arrivals": [round(at, 5) for at in arrivals],
        "finish": str(generation.finish_reason),
        "usage": asdict(generation.usage),
        "seconds": round(generation.seconds, 5),
    }


def _generation(row: Row) -> Generation:
    return Generation(
        text=str(row["text"]),
        tokens=tuple(Token(str(text), float(logprob)) for text, logprob in row["tokens"]),
        finish_reason=FinishReason(row["finish"]),
        usage=Usage(**row["usage"]),
        seconds=float(row["seconds"]),
    )
