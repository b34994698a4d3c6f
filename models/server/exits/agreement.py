"""How often a layer knows already what the last one is going to say, on text that the model only reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from rung.models.server.exits.exits import Exits
from rung.models.server.exits.modules import decoder_of, head_of
from rung.models.server.exits.reading import Advance
from rung.models.server.exits.watching import watched

_LENS = 4  # every so many tokens


@dataclass(frozen=True, slots=True)
class Depth:
    """Behind so many layers, of all tokens. lens: the model's own norm and head there say what they say at the end.

    The others are None where no exit is. guessed: the exit's head does. left: of the tokens, those that would leave
    here, of them that are still there. good: of those that leave, the ones with the model's own token.
    """

    layer: int
    lens: float
    guessed: float | None = None
    left: float | None = None
    good: float | None = None


@dataclass(frozen=True, slots=True)
class Doubted:
    """Of tokens, by Stop alone, behind all layers. wrong: of all, those that the model gets wrong. stopped: of all.

    precision: of those where it stops, the wrong ones. recall: of the wrong ones, those where it stops.
    auc: that a wrong one is doubted more than a right one. sure_auc: the same of 1 - the model's own probability.
    """

    wrong: float
    stopped: float
    precision: float
    recall: float
    auc: float
    sure_auc: float


@dataclass(frozen=True, slots=True)
class _Of:
    """Of a window, [tokens], but for `lens`; by layer. doubt, stops: behind all layers."""

    lens: dict[int, Tensor]
    guess: dict[int, Tensor]
    leaves: dict[int, Tensor]
    best: Tensor
    sure: Tensor
    right: Tensor
    doubt: Tensor
    stops: Tensor


@torch.inference_mode()
def agreement(
    model: PreTrainedModel, exits: Exits, texts: Sequence[Sequence[int]], advance: Advance
) -> tuple[list[Depth], Doubted]:
    """exits: attached. advance: told windows read, and all. The first token of a window does not count."""
    layers = exits.about.layers
    looked = sorted({*exits.layers, *(max(1, round(layers * part / 10)) for part in (1, 3, 5, 7)), layers - 1})
    parts = []
    with watched(model, looked, []) as seen:
        for number, text in enumerate(texts, 1):
            ids = torch.tensor([text], device=model.device)
            final = decoder_of(model)(input_ids=ids, use_cache=False).last_hidden_state[0, 1:-1]
            hidden = {layer: seen.hidden[layer][1:-1] for layer in looked}
            parts.append(_of(model, exits, ids[0, 2:], final, hidden))
            advance(number, len(texts))
    return _depths(exits, looked, parts), _doubted(parts)


def _of(model: PreTrainedModel, exits: Exits, text: Tensor, final: Tensor, hidden: dict[int, Tensor]) -> _Of:
    norm, head, last = decoder_of(model).norm, head_of(model), exits.about.layers
    sure, best = (final @ head.T).float().softmax(dim=-1).max(dim=-1)
    verdicts = {layer: exits.ask(layer, hidden[layer]) for layer in exits.layers}
    return _Of(
        lens={layer: _lens(norm, head, each, best) for layer, each in hidden.items()},
        guess={layer: exits.guess(layer, hidden[layer]).token for layer in exits.layers},
        leaves={layer: verdict.token >= 0 for layer, verdict in verdicts.items()},
        best=best,
        sure=sure,
        right=best == text,
        doubt=exits.doubt(hidden[last]),
        stops=verdicts[last].stop,
    )


def _lens(norm: Any, head: Tensor, hidden: Tensor, best: Tensor) -> Tensor:
    """Whether it says what is said at the end, of a part of the tokens: each costs a product with the whole head."""
    told: Tensor = (norm(hidden[::_LENS]) @ head.T).argmax(dim=-1)
    return told == best[::_LENS]


def _depths(exits: Exits, looked: Sequence[int], parts: Sequence[_Of]) -> list[Depth]:
    best = torch.cat([part.best for part in parts])
    there = torch.ones(len(best), dtype=torch.bool, device=best.device)
    found = []
    for layer in looked:
        lens = _share(torch.cat([part.lens[layer] for part in parts]))
        if layer not in exits.layers:
            found.append(Depth(layer, lens))
            continue
        same = torch.cat([part.guess[layer] for part in parts]) == best
        leaves = torch.cat([part.leaves[layer] for part in parts]) & there
        found.append(Depth(layer, lens, _share(same), _share(leaves), _share(same[leaves])))
        there = there & ~leaves
    return found


def _doubted(parts: Sequence[_Of]) -> Doubted:
    doubt, stops = torch.cat([part.doubt for part in parts]), torch.cat([part.stops for part in parts])
    wrong, sure = ~torch.cat([part.right for part in parts]), torch.cat([part.sure for part in parts])
    return Doubted(
        wrong=_share(wrong),
        stopped=_share(stops),
        precision=_share(wrong[stops]),
        recall=_share(stops[wrong]),
        auc=auc(doubt, wrong),
        sure_auc=auc(1 - sure, wrong),
    )


def auc(scores: Tensor, positive: Tensor) -> float:
    """The share of pairs of a positive and another one whose positive has the higher score; equal ones count half.

    0.5 where there is no pair.
    """
    ordered, places = torch.unique(scores.double(), return_inverse=True)
    yes = torch.bincount(places[positive], minlength=len(ordered)).double()
    no = torch.bincount(places[~positive], minlength=len(ordered)).double()
    pairs = float(yes.sum() * no.sum())
    below = no.cumsum(0) - no / 2
    return float((yes * below).sum()) / pairs if pairs else 0.5


def _share(chosen: Tensor) -> float:
    return float(chosen.float().mean()) if len(chosen) else 0.0
