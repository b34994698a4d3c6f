"""Chooses the thresholds of exits on held-out text, for the largest loss that is allowed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rung.models.server.exits.costs import Costs
from rung.models.server.exits.file import Exit
from rung.models.server.exits.parts import Doubt, Early, Guess, Sketch
from rung.models.server.exits.reading import Read
from rung.models.server.exits.thresholds import Bools, Floats, answered, thresholds

_GATED = 0.02  # of the tokens that would leave, so many may be held back by the gate
_STEP = 256  # rows at once: each has a logit for every token of the vocabulary


@dataclass(frozen=True, slots=True)
class Level:
    """What the held-out tokens did behind a layer, in shares of all. asked: that reached the head."""

    layer: int
    asked: float
    left: float


@dataclass(frozen=True, slots=True)
class Tuned:
    """On the held-out tokens. lost: of those that the model gets right, by Exit; spoilt: by Stop.

    exits: without those that are not worth their heads. saved: of the weights that are read for a token, by Exit alone.
    stopped: of all tokens.
    """

    exits: tuple[Exit, ...]
    stop_from: float
    tokens: int
    levels: tuple[Level, ...]
    lost: float
    spoilt: float
    saved: float
    stopped: float

    @property
    def skipped(self) -> float:
        """Layers, on average over all tokens."""
        last = self.levels[-1].layer
        return sum(level.left * (last - level.layer) for level in self.levels)


@dataclass(frozen=True, slots=True)
class Held:
    """Of the held-out tokens. layers: of the questions. [questions, tokens]: the gate, infinite where there is none;
    the log-probability; whether the guess is another than the model's. [tokens]: doubt; whether the model is right.
    """

    layers: tuple[int, ...]
    gate: Floats
    sure: Floats
    other: Bools
    doubt: Floats
    right: Bools

    def only(self, numbers: Sequence[int]) -> Held:
        """Of some of the questions."""
        rows = list(numbers)
        layers = tuple(self.layers[number] for number in rows)
        return Held(layers, self.gate[rows], self.sure[rows], self.other[rows], self.doubt, self.right)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Thresholds for `held`, and what they do.

    left_at: [tokens], the number of the question. asked: [questions, tokens]. saved: as `Tuned` has it.
    """

    held: Held
    gate_from: list[float]
    exit_from: list[float]
    left_at: NDArray[np.int64]
    asked: Bools
    saved: float


def answers(early: Mapping[int, Early], sketch: Sketch, doubt: Doubt, seen: Read) -> Held:
    """Of all questions, to the held-out tokens of `seen`."""
    best = seen.best[seen.cut :]
    last = max(seen.states)
    layers = [*sorted(early), last]
    final = batched(sketch.guess, seen.final[seen.cut :])
    guesses = {layer: batched(each.head.guess, seen.states[layer][seen.cut :]) for layer, each in early.items()}
    guesses[last] = final
    gates = [early[layer].gate(seen.states[layer][seen.cut :].float())[:, 0] for layer in layers[:-1]]
    gates.append(torch.full((len(best),), math.inf))
    return Held(
        layers=tuple(layers),
        gate=torch.stack(gates).double().numpy(),
        sure=torch.stack([guesses[layer].logprob for layer in layers]).double().numpy(),
        other=torch.stack([guesses[layer].token != best for layer in layers]).numpy(),
        doubt=doubt.probability(seen.states[last][seen.cut :].float(), final.logprob).double().numpy(),
        right=seen.right[seen.cut :].numpy(),
    )


def tune(held: Held, costs: Costs, loss: float) -> Tuned:
    """loss: as in `Wanted`."""
    allowed = loss / 2 * held.right.sum()
    chosen = _chosen(held, costs, allowed)
    held, last = chosen.held, len(chosen.held.layers) - 1
    doubted = np.where(chosen.left_at >= last, held.doubt, -math.inf)[None]  # the others were gone before
    stop_from = thresholds(doubted, held.right[None], (~held.right[None]).astype(float), allowed)
    stopped = doubted[0] >= stop_from[0]
    gone = np.flatnonzero(chosen.left_at <= last)
    lost = held.other[chosen.left_at[gone], gone] & held.right[gone]
    right = max(1, int(held.right.sum()))
    bounds = zip(held.layers, chosen.gate_from, chosen.exit_from, strict=True)
    return Tuned(
        exits=tuple(Exit(layer=layer, gate_from=gate, exit_from=exit_from) for layer, gate, exit_from in bounds),
        stop_from=stop_from[0],
        tokens=len(held.right),
        levels=tuple(
            Level(layer, float(chosen.asked[number].mean()), float((chosen.left_at == number).mean()))
            for number, layer in enumerate(held.layers)
        ),
        lost=int(lost.sum()) / right,
        spoilt=int((stopped & held.right).sum()) / right,
        saved=chosen.saved,
        stopped=float(stopped.mean()),
    )


def batched(head: Callable[[Tensor], Guess], states: Tensor) -> Guess:
    """Of many states, in any type."""
    parts = [head(states[begin : begin + _STEP].float()) for begin in range(0, len(states), _STEP)]
    return Guess(torch.cat([part.token for part in parts]), torch.cat([part.logprob for part in parts]))


def _chosen(held: Held, costs: Costs, allowed: float) -> _Chosen:
    """Exits are closed one by one, but for the last, as long as more is saved without them."""
    best = _tried(held, costs, allowed)
    while len(best.held.layers) > 1:
        numbers = range(len(best.held.layers))
        fewer = [best.held.only([n for n in numbers if n != closed]) for closed in numbers[:-1]]
        found = max((_tried(each, costs, allowed) for each in fewer), key=lambda each: each.saved)
        if found.saved < best.saved:
            break
        best = found
    return best


def _tried(held: Held, costs: Costs, allowed: float) -> _Chosen:
    gains = np.array([[costs.saved(layer)] for layer in held.layers], dtype=float)
    exit_from = thresholds(held.sure, held.other & held.right, np.broadcast_to(gains, held.sure.shape), allowed)
    gate_from = [_gate(held, number, level) for number, level in enumerate(exit_from)]
    passing = held.gate >= np.array(gate_from)[:, None]
    left_at = answered(np.where(passing, held.sure, -math.inf), exit_from)
    asked = passing & (left_at >= np.arange(len(held.layers))[:, None])
    asking = sum(asked[number].mean() * costs.asking(layer) for number, layer in enumerate(held.layers))
    saving = sum((left_at == number).mean() * costs.saved(layer) for number, layer in enumerate(held.layers))
    return _Chosen(held, gate_from, exit_from, left_at, asked, float((saving - asking) / costs.whole))


def _gate(held: Held, number: int, exit_from: float) -> float:
    """So that nearly all who would leave get past it, and nobody where nobody would."""
    leaving = held.gate[number][held.sure[number] >= exit_from]
    if not np.isfinite(held.gate[number]).all():
        return -math.inf
    return float(np.quantile(leaving, _GATED)) if len(leaving) else math.inf
