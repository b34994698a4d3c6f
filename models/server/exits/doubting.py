"""Trains one-product classifiers."""

from __future__ import annotations

import torch
from torch import Tensor

from rung.models.server.exits.parts import Linear

_ROUNDS = 40
_WEIGHT_DECAY = 1e-4


def classifier(states: Tensor, labels: Tensor) -> Linear:
    """Logistic regression. states: [rows, width], normed. labels: BoolTensor[rows]. Its output is the log-odds."""
    inputs, wanted = states.float(), labels.float()
    weight = torch.zeros(inputs.shape[1], 1)
    bias = torch.zeros(1)
    with torch.enable_grad():
        weight.requires_grad_()
        bias.requires_grad_()
        descent = torch.optim.LBFGS([weight, bias], max_iter=_ROUNDS, line_search_fn="strong_wolfe")

        def loss() -> Tensor:
            descent.zero_grad()
            odds = torch.addmm(bias, inputs, weight)[:, 0]
            found = torch.nn.functional.binary_cross_entropy_with_logits(odds, wanted)
            found = found + _WEIGHT_DECAY * weight.square().sum()
            found.backward()  # type: ignore[no-untyped-call]
            return found

        descent.step(loss)  # type: ignore[no-untyped-call]
    return Linear(weight.detach(), bias.detach())
