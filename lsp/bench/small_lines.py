"""What a small checkpoint writes where a line is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rung.cascade.bench.retrieval.holes import Hole
from rung.cascade.bench.retrieval.second import Written
from rung.cascade.score import confidence
from rung.models.catalogue import find
from rung.models.llama import LlamaModel
from rung.models.protocol import Prompt, Sampling

CONTEXT = 1024
PREFIX = 1_200
"""Characters before the line that the small model reads."""

_SAMPLING = Sampling(48, stop=("\n",))


async def small_lines(checkpoint: str, asked: Sequence[Hole], threads: int, step: Callable[[], None]) -> list[Written]:
    """One greedy line for each hole. Raises CatalogueError, ModelError."""
    model = LlamaModel(checkpoint, find(checkpoint), context=CONTEXT, threads=threads)
    written: list[Written] = []
    try:
        for hole in asked:
            indent = hole.line[: len(hole.line) - len(hole.line.lstrip())]
            (answer,) = await model.generate(Prompt(hole.before[-PREFIX:] + indent), _SAMPLING)
            written.append(Written(hole, answer.text, confidence(answer.tokens)))
            step()
    finally:
        await model.close()
    return written
