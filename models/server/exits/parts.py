"""What is asked behind a layer: short products of the state there.

A state is the residual stream of one token, brought to a root mean square of 1: `normed`. All parts take it so, as
[rows, width].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_TINY = 1e-6


def normed(hidden: Tensor) -> Tensor:
    """hidden: [rows, width] in any type; computed in float32, given back in its own type."""
    wide = hidden.float()
    return (wide * torch.rsqrt(wide.square().mean(dim=-1, keepdim=True) + _TINY)).to(hidden.dtype)


@dataclass(frozen=True, slots=True)
class Linear:
    """weight: [width, outputs]. bias: [outputs]."""

    weight: Tensor
    bias: Tensor

    def __call__(self, state: Tensor) -> Tensor:
        return torch.addmm(self.bias, state, self.weight)


@dataclass(frozen=True, slots=True)
class Guess:
    """token: LongTensor[rows], the likeliest one. logprob: FloatTensor[rows], of it."""

    token: Tensor
    logprob: Tensor


@dataclass(frozen=True, slots=True)
class ShortList:
    """A head for the tokens that are frequent in code; its last output stands for all others.

    tokens: LongTensor[listed]. scores: of listed + 1 outputs.
    """

    tokens: Tensor
    scores: Linear

    def guess(self, state: Tensor) -> Guess:
        logprobs = torch.log_softmax(self.scores(state).float(), dim=-1)
        best, index = logprobs[:, :-1].max(dim=-1)
        return Guess(self.tokens[index], best)


@dataclass(frozen=True, slots=True)
class Early:
    """Behind a layer before the last. gate: whether the head is worth asking, before it is.

    states: of all layers that are skipped, [layers, 2 (keys, values), heads of keys, size of a head] in one row.
    """

    gate: Linear
    head: ShortList
    states: Linear


@dataclass(frozen=True, slots=True)
class Doubt:
    """Stop's classifier. It takes the state behind all layers and the log-probability of the likeliest token."""

    odds: Linear

    def probability(self, state: Tensor, logprob: Tensor) -> Tensor:
        """state: normed. logprob: [rows]. FloatTensor[rows]."""
        both = torch.cat((state, logprob[:, None].to(state.dtype)), dim=1)
        return torch.sigmoid(self.odds(both)[:, 0].float())


@dataclass(frozen=True, slots=True)
class Sketch:
    """The model's own head, from few dimensions: they choose candidates, whose logits are then computed exactly.

    After Shim et al. 2017, SVD-softmax. It takes final states (behind the model's last norm), not normed ones.
    down: [width, rank]. up: [rank, vocabulary]. mean: [width], of the head's rows, which `up` is without.
    candidates: how many. rows: [vocabulary, width], the model's own.
    """

    down: Tensor
    up: Tensor
    mean: Tensor
    candidates: int
    rows: Tensor

    def guess(self, final: Tensor) -> Guess:
        rough = final @ self.down @ self.up
        found, chosen = rough.topk(self.candidates, dim=-1)
        # what all logits have in common is taken off the few, not put onto the many
        exact = torch.einsum("rcw,rw->rc", self.rows[chosen], final).float() - (final @ self.mean).float()[:, None]
        best, index = exact.max(dim=-1)
        total = _rest(rough.float().logsumexp(dim=-1), found.float(), exact)
        return Guess(chosen.gather(1, index[:, None])[:, 0], best - total)


def _rest(rough: Tensor, found: Tensor, exact: Tensor) -> Tensor:
    """The logarithm of the sum over all tokens: the candidates' exact parts in place of the rough ones."""
    # behind a subtraction, rounding may leave less than nothing of the others
    others = (1 - (found - rough[:, None]).exp().sum(dim=-1)).clamp(min=0) + _TINY
    return torch.logaddexp(rough + others.log(), exact.logsumexp(dim=-1))
