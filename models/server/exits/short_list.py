"""Trains a short-list head: from the state at an exit to the model's own next token."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from rung.models.server.exits.fitting import fit
from rung.models.server.exits.parts import Linear, ShortList
from rung.models.server.exits.reading import Read

_STEPS = 200
_ROWS = 512
_WARM_UP = 20
_RATE = 3e-3
_LAST = 0.05  # of the rate, at the end
_TINY = 1e-6


def frequent(read: Read, vocabulary: int, count: int) -> Tensor:
    """The tokens that the text and the model have most often, ascending."""
    seen = torch.bincount(read.token[: read.cut], minlength=vocabulary)
    seen += torch.bincount(read.best[: read.cut], minlength=vocabulary)
    return seen.argsort(descending=True, stable=True)[:count].sort().values


def train(read: Read, layer: int, tokens: Tensor, rows: Tensor, seed: int, step: Callable[[], None]) -> ShortList:
    """rows: of the model's own head, [listed, width], for `tokens`. step: told after each of `STEPS`.

    It begins as the best linear way from the exit's state to the final one, and from there through the model's own
    head; then cross entropy with the model's distribution, so that its probabilities mean what they say.
    """
    start = fit(read.states[layer][: read.cut], read.final[: read.cut])
    weight = torch.zeros(rows.shape[1], len(tokens) + 1)
    bias = torch.zeros(len(tokens) + 1)
    weight[:, :-1] = start.weight @ rows.T
    bias[:-1] = rows @ start.bias
    with torch.enable_grad():
        weight.requires_grad_()
        bias.requires_grad_()
        _descend(read, layer, tokens, rows, weight, bias, torch.Generator().manual_seed(seed), step)
    return ShortList(tokens, Linear(weight.detach(), bias.detach()))


STEPS = _STEPS


def _descend(
    read: Read,
    layer: int,
    tokens: Tensor,
    rows: Tensor,
    weight: Tensor,
    bias: Tensor,
    random: torch.Generator,
    step: Callable[[], None],
) -> None:
    descent = torch.optim.Adam([weight, bias], lr=_RATE, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(descent, _share_of_rate)
    for _ in range(_STEPS):
        chosen = torch.randint(read.cut, (_ROWS,), generator=random)
        logits = torch.addmm(bias, read.states[layer][chosen].float(), weight)
        loss = torch.nn.functional.cross_entropy(logits, _wanted(read, chosen, rows))
        descent.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        descent.step()
        schedule.step()
        step()


def _share_of_rate(step: int) -> float:
    return min(1.0, (step + 1) / _WARM_UP) * (1 - (1 - _LAST) * step / _STEPS)


def _wanted(read: Read, chosen: Tensor, rows: Tensor) -> Tensor:
    """The model's probabilities of the listed tokens, and of all others together."""
    listed = (read.final[chosen].float() @ rows.T - read.total[chosen, None]).exp()
    others = (1 - listed.sum(dim=1, keepdim=True)).clamp(min=_TINY)
    both = torch.cat((listed, others), dim=1)
    return both / both.sum(dim=1, keepdim=True)
