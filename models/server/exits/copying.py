"""What keys and values that were not computed do to the tokens behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from rung.models.server.exits.exits import Exits
from rung.models.server.exits.modules import layers_of
from rung.models.server.exits.reading import Advance
from rung.models.server.exits.watching import keys_module, watched

_LEFT = 0.35  # of the tokens, at random

Given = Callable[[int, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True, slots=True)
class Copied:
    """states: how keys and values of the skipped layers were made. same: of the tokens that did not leave, those whose
    next token stayed the same. lost: of those that the model got right, the ones that it then did not.
    """

    layer: int
    states: str
    same: float
    lost: float


@torch.inference_mode()
def copying(model: PreTrainedModel, exits: Exits, texts: Sequence[Sequence[int]], advance: Advance) -> list[Copied]:
    """A third of the tokens, at random, leaves at each exit in turn; the others are computed wholly."""
    layers = exits.about.layers
    early = [layer for layer in exits.layers if layer < layers]
    random = torch.Generator().manual_seed(0)
    counts = {(layer, kind): [0, 0, 0, 0] for layer in early for kind in ("copied", "fitted")}
    for number, text in enumerate(texts, 1):
        ids = torch.tensor([text], device=model.device)
        with watched(model, early, []) as seen:
            told = model(input_ids=ids, use_cache=False).logits[0].argmax(dim=-1)
        left = torch.rand(len(text), generator=random) < _LEFT
        left[0] = False
        stay = (~left)[:-1].to(told.device)
        right = stay & (told[:-1] == ids[0, 1:])
        for (layer, kind), count in counts.items():
            hidden = seen.hidden[layer][left]
            given = _copied(model, layer, hidden) if kind == "copied" else exits.states(layer, hidden)
            with _replaced(model, layer, left, given):
                then = model(input_ids=ids, use_cache=False).logits[0].argmax(dim=-1)
            same = then[:-1] == told[:-1]
            for place, part in enumerate((stay, stay & same, right, right & ~same)):
                count[place] += int(part.sum())
        advance(number, len(texts))
    return [
        Copied(layer, kind, same / max(stay, 1), lost / max(right, 1))
        for (layer, kind), (stay, same, right, lost) in counts.items()
    ]


def _copied(model: PreTrainedModel, layer: int, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """The paper's way: the state at the exit is taken for that before every layer that is skipped."""
    keys, values = [], []
    for each in layers_of(model)[layer:]:
        attention: Any = each.self_attn
        state = each.input_layernorm(hidden)
        found = attention.k_proj(state).view(len(hidden), -1, attention.head_dim)
        keys.append(attention.k_norm(found) if keys_module(attention) is not attention.k_proj else found)
        values.append(attention.v_proj(state).view(len(hidden), -1, attention.head_dim))
    return torch.stack(keys), torch.stack(values)


@contextmanager
def _replaced(model: PreTrainedModel, layer: int, left: Tensor, given: tuple[Tensor, Tensor]) -> Iterator[None]:
    """given: as `Exits.states` gives them, of the tokens `left`."""
    hooks = []
    for number, each in enumerate(layers_of(model)[layer:]):
        attention: Any = each.self_attn
        hooks.append(keys_module(attention).register_forward_hook(_replacing(left, given[0][number])))
        hooks.append(attention.v_proj.register_forward_hook(_replacing(left, given[1][number])))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _replacing(left: Tensor, given: Tensor) -> Any:
    """given: [tokens that left, heads, size]."""

    def replace(_module: Any, _inputs: Any, output: Tensor) -> Tensor:
        output = output.clone()
        if output.dim() == 3:
            output[0, left] = given.flatten(1)
        elif output.shape[1] == len(left):
            output[0, left] = given
        else:  # heads first
            output[0, :, left] = given.transpose(0, 1)
        return output

    return replace
