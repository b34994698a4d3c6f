"""Reads source through the model once, and keeps what the exits are trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from rung.models.reshape.corpus import source_files
from rung.models.server.exits.file import ExitsRefused
from rung.models.server.exits.fitting import Moments
from rung.models.server.exits.modules import decoder_of, head_of
from rung.models.server.exits.parts import normed
from rung.models.server.exits.watching import Seen, Shape, watched

_WINDOW = 768  # tokens that are read at once
_SHORTEST = 64
_WINDOWS_A_FILE = 2
_HELD_OUT = 0.25  # of the windows, from other files: they choose the thresholds

Advance = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Read:
    """Of each token that was read but the first of each window, where models keep what has no meaning.

    states: by number of layers, float16 [tokens, width], normed. final: behind the model's own last norm.
    token: the token itself. best: the model's next one. total: logarithm of the sum over all logits.
    sure: the log-probability of `best`. right: whether it is what comes next in the text. cut: from here on, tokens
    are held out.
    """

    states: dict[int, Tensor]
    final: Tensor
    token: Tensor
    best: Tensor
    total: Tensor
    sure: Tensor
    right: Tensor
    cut: int


def windows(folders: Sequence[Path], tokenizer: PreTrainedTokenizerBase, wanted: int, seed: int) -> list[list[int]]:
    """About `wanted` tokens of Python, from files in a random order, at most two windows of each.

    Raises ExitsRefused where there are less than half as many, or one window; ReshapeFailed where a folder cannot be
    read.
    """
    random = Random(seed)
    files = sorted(path for path in source_files(folders) if path.suffix == ".py")
    random.shuffle(files)
    found: list[list[int]] = []
    count = 0
    for path in files:
        for window in _windows(path, tokenizer):
            found.append(window)
            count += len(window)
        if count >= wanted:
            return found
    if count < wanted / 2 or len(found) < 2:
        raise ExitsRefused(f"The trees have {count:,} tokens of Python, of {wanted:,}: name more, or lower --tokens.")
    return found


def read(
    model: PreTrainedModel,
    shape: Shape,
    layers: Sequence[int],
    texts: Sequence[Sequence[int]],
    advance: Advance,
) -> tuple[Read, dict[int, Moments]]:
    """layers: where exits are going to be, the last of them behind all layers. advance: told tokens read, and all.

    Moments: by layer, from normed states to the keys and values of the layers that an exit there skips; of the tokens
    that are not held out.
    """
    early = [layer for layer in layers if layer < shape.layers]
    count = sum(len(text) - 2 for text in texts)
    kept = _empty(layers, shape, count)
    moments = {layer: Moments(shape.width) for layer in early}
    head = head_of(model).float()  # in 16 bits, the two likeliest tokens are too often the same number
    at = 0
    known = _known(texts)
    cut = sum(len(text) - 2 for text in texts[:known])
    with torch.inference_mode(), watched(model, layers, range(min(early, default=shape.layers), shape.layers)) as seen:
        for number, text in enumerate(texts):
            ids = torch.tensor([text], device=model.device)
            final = decoder_of(model)(input_ids=ids, use_cache=False).last_hidden_state[0, 1:-1]
            logits = final.float() @ head.T
            rows = slice(at, at + len(text) - 2)
            for layer in layers:
                kept.states[layer][rows] = normed(seen.hidden[layer][1:-1].float()).half()
            kept.final[rows] = final.half()
            kept.token[rows] = ids[0, 1:-1]
            most, kept.best[rows] = logits.max(dim=-1)
            kept.total[rows] = logits.logsumexp(dim=-1)
            kept.sure[rows] = most.cpu() - kept.total[rows]
            kept.right[rows] = kept.best[rows] == ids[0, 2:].cpu()
            if number < known:
                for layer in early:
                    moments[layer].add(kept.states[layer][rows].float(), _states(seen, layer, shape.layers))
            at = rows.stop
            advance(at, count)
    return replace(kept, cut=cut), moments


def _known(texts: Sequence[Sequence[int]]) -> int:
    """How many of the windows are not held out; at least one is, of two."""
    return max(1, int(len(texts) * (1 - _HELD_OUT)))


def _states(seen: Seen, layer: int, layers: int) -> Tensor:
    """[tokens, layers skipped · (keys, values) · heads · size]."""
    keys, values = seen.keys, seen.values
    both = [torch.stack((keys[index], values[index]), dim=1) for index in range(layer, layers)]
    return torch.stack(both, dim=1).flatten(1)[1:-1].float().cpu()


def _empty(layers: Sequence[int], shape: Shape, count: int) -> Read:
    return Read(
        states={layer: torch.empty(count, shape.width, dtype=torch.float16) for layer in layers},
        final=torch.empty(count, shape.width, dtype=torch.float16),
        token=torch.empty(count, dtype=torch.long),
        best=torch.empty(count, dtype=torch.long),
        total=torch.empty(count),
        sure=torch.empty(count),
        right=torch.empty(count, dtype=torch.bool),
        cut=0,
    )


def _windows(path: Path, tokenizer: PreTrainedTokenizerBase) -> Iterator[list[int]]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return  # one file less to learn from
    tokens: list[int] = list(tokenizer(text)["input_ids"])
    step = max(_WINDOW, -(-len(tokens) // _WINDOWS_A_FILE))
    for begin in range(0, len(tokens), step):
        window = tokens[begin : begin + _WINDOW]
        if len(window) >= _SHORTEST:
            yield window
