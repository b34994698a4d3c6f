"""Measures exits with the model that they were trained for, on text that they were not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from rung.models.server.checkpoint import load, source
from rung.models.server.devices import device_named, dtype_named
from rung.models.server.exits.agreement import Depth, Doubted, agreement
from rung.models.server.exits.completing import Completed, completed
from rung.models.server.exits.copying import Copied, copying
from rung.models.server.exits.exits import load as load_exits
from rung.models.server.exits.first_tokens import FirstToken, first_tokens
from rung.models.server.exits.reading import windows
from rung.models.server.exits.training import Progress

_FIRST = 3  # tokens, as MCCom's confidence has it
_COPYING = 1 / 3  # of the windows: each is computed several times


@dataclass(frozen=True, slots=True)
class Studied:
    """layers: of the model. Of each prompt: `completions` by name, and `firsts`."""

    checkpoint: str
    layers: int
    loss: float
    trained_on: int
    read: int
    depths: list[Depth]
    doubted: Doubted
    copied: list[Copied]
    completions: list[dict[str, Completed]]
    firsts: list[list[FirstToken]]


def study(
    checkpoint: str,
    path: Path,
    folders: Sequence[Path],
    prompts: Sequence[str],
    *,
    max_tokens: int,
    read: int,
    device: str,
    dtype: str,
    progress: Progress,
) -> Studied:
    """folders: of source, of which about `read` tokens are read. prompts: to be completed to the end of the line.

    Raises ExitsRefused, LoadFailed, ReshapeFailed where a folder cannot be read.
    """
    origin = source(checkpoint)
    chosen = device_named(device)
    model, tokenizer = load(origin, chosen, dtype_named(dtype, chosen))
    exits = load_exits(path, origin.sha256(), chosen, dtype_named(dtype, chosen))
    exits.attach(model)
    texts = windows(folders, tokenizer, read, seed=0)
    depths, doubted = agreement(model, exits, texts, lambda done, of: progress.advance("reading", done, of))
    few = texts[: max(1, round(len(texts) * _COPYING))]
    copied = copying(model, exits, few, lambda done, of: progress.advance("copying states", done, of))
    firsts = []
    for number, prompt in enumerate(prompts, 1):
        firsts.append(first_tokens(model, tokenizer, exits, prompt, _FIRST))
        progress.advance("first tokens", number, len(prompts))
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        progress.advance("completing", done, len(prompts))

    with torch.inference_mode():
        completions = asyncio.run(completed(model, tokenizer, exits, prompts, max_tokens, step))
    return Studied(
        checkpoint=origin.name,
        layers=exits.about.layers,
        loss=exits.about.loss,
        trained_on=exits.about.tokens,
        read=sum(map(len, texts)),
        depths=depths,
        doubted=doubted,
        copied=copied,
        completions=completions,
        firsts=firsts,
    )
