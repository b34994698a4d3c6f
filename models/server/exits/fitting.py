"""Least squares: how what a model computes later follows from a state, as nearly as one product can say it."""

from __future__ import annotations

import torch
from torch import Tensor

from rung.models.server.exits.parts import Linear

_RIDGE = 1e-4  # of the mean square of an input: keeps the answer finite where inputs repeat each other


class Moments:
    """Sums over pairs of inputs, [rows, width], and outputs, from which the best product follows."""

    def __init__(self, width: int) -> None:
        self._inputs = torch.zeros(width + 1, width + 1, dtype=torch.float64)
        self._both: Tensor | None = None

    def add(self, inputs: Tensor, outputs: Tensor) -> None:
        widened = torch.cat((inputs, torch.ones(len(inputs), 1)), dim=1)
        self._inputs += (widened.T @ widened).double()
        both = (widened.T @ outputs).double()
        self._both = both if self._both is None else self._both + both

    def best(self) -> Linear:
        """In float32. Raises ValueError before anything was added."""
        if self._both is None:
            raise ValueError("there is nothing to fit")
        ridge = self._inputs.diagonal().mean() * _RIDGE * torch.eye(len(self._inputs), dtype=torch.float64)
        found = torch.linalg.solve(self._inputs + ridge, self._both).float()
        return Linear(found[:-1], found[-1])


def fit(inputs: Tensor, outputs: Tensor, step: int = 8192) -> Linear:
    """Of many rows, in any types."""
    moments = Moments(inputs.shape[1])
    for begin in range(0, len(inputs), step):
        moments.add(inputs[begin : begin + step].float(), outputs[begin : begin + step].float())
    return moments.best()
