"""Completes prompts with and without exits, in turns, through the server's engine."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from rung.models.server.asked import Asked, Counted, Ended, EngineFailed, Piece
from rung.models.server.engine import Engine
from rung.models.server.exits.exits import Exits
from rung.models.server.forward import Forward
from rung.models.server.vocabulary import Vocabulary

_CONTEXT = 2048
_KEPT = 4096
MODEL, EXIT, BOTH = "no exits", "Exit", "Exit and Stop"


@dataclass(frozen=True, slots=True)
class Completed:
    """tokens: generated. seconds: from the first token to the end; the prompt is not in them.

    layers, skipped: of all tokens together. doubted: Stop ended it.
    """

    text: str
    tokens: int
    seconds: float
    layers: int
    skipped: int
    doubted: bool


async def completed(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    exits: Exits,
    prompts: Sequence[str],
    max_tokens: int,
    step: Callable[[], None],
) -> list[dict[str, Completed]]:
    """Greedy, to the end of the line; of each prompt, by MODEL, EXIT, BOTH. `model` can be used as before."""
    engines = {
        MODEL: _engine(model, tokenizer, None),
        EXIT: _engine(model, tokenizer, exits.without_stop()),
        BOTH: _engine(model, tokenizer, exits),
    }
    found = []
    try:
        for number, prompt in enumerate(prompts):
            done = {}
            names = list(engines)
            for name in names[number % len(names) :] + names[: number % len(names)]:  # none is always the first
                done[name] = await _complete(engines[name], prompt, max_tokens)
            found.append(done)
            step()
    finally:
        await asyncio.gather(*(engine.close(grace=0) for engine in engines.values()))
    return found


def _engine(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, exits: Exits | None) -> Engine:
    """With a model of its own that shares the weights: the engine changes the modules around them."""
    shared = {id(part): part for part in [*model.parameters(), *model.buffers()]}
    own = copy.deepcopy(model, shared)
    if exits is not None:
        exits.attach(own)
    with torch.inference_mode():
        forward = Forward(own, exits)
    vocabulary = Vocabulary(tokenizer, own)
    return Engine("study", forward, vocabulary, context=_CONTEXT, batch=1, waiting=1, keep_tokens=_KEPT)


async def _complete(engine: Engine, prompt: str, max_tokens: int) -> Completed:
    before = engine.load
    text = ""
    began = 0.0
    doubted = False
    async for event in engine.answer(Asked(prompt, max_tokens=max_tokens, temperature=0, stop=("\n",))):
        began = began or time.perf_counter()
        if isinstance(event, Piece):
            text += event.text
        elif isinstance(event, Ended):
            doubted = event.reason == "doubt"
        elif isinstance(event, Counted):
            seconds, now = time.perf_counter() - began, engine.load
            layers, skipped = now.layers - before.layers, now.skipped - before.skipped
            return Completed(text, event.generated, seconds, layers, skipped, doubted)
    raise EngineFailed("The engine ended an answer without counting it.")
