"""The questions that are asked while a token passes through the layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from transformers import PreTrainedModel

from rung.models.server.exits.file import About, ExitsRefused, read
from rung.models.server.exits.modules import decoder_of, head_of
from rung.models.server.exits.parts import Doubt, Early, Guess, Linear, ShortList, Sketch, normed

__all__ = ["Exits", "ExitsRefused", "Verdict", "load"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """token: LongTensor[rows], the next one; -1: continue. logprob: FloatTensor[rows], of it; 0 where there is none.

    stop: BoolTensor[rows], whether the model's next token is going to be wrong.
    """

    token: Tensor
    logprob: Tensor
    stop: Tensor


class Exits:
    """For one model; `attach` it before anything is asked.

    early: by number of layers. sketch, doubt: for the state behind all layers; what leaves there saves the full head.
    """

    def __init__(
        self, about: About, early: Mapping[int, Early], sketch: Sketch, doubt: Doubt, *, stops: bool = True
    ) -> None:
        self.about = about
        self.layers: tuple[int, ...] = tuple(each.layer for each in about.exits)
        self._thresholds = {each.layer: each for each in about.exits}
        self._early = early
        self._sketch = sketch
        self._doubt = doubt
        self._stops = stops
        self._norm: torch.nn.Module | None = None

    def attach(self, model: PreTrainedModel) -> None:
        """model: the one that these were trained for, on the same device: its last norm and its head are used."""
        self._sketch = replace(self._sketch, rows=head_of(model))
        self._norm = decoder_of(model).norm

    def without_stop(self) -> Exits:
        """The same ones, but for Stop; to be attached anew."""
        return Exits(self.about, self._early, self._sketch, self._doubt, stops=False)

    def ask(self, layer: int, hidden: Tensor) -> Verdict:
        """hidden: [rows, width], the residual stream behind `layer` layers, before any norm."""
        return self._ask_last(hidden) if layer == self.about.layers else self._ask_early(layer, hidden)

    def states(self, layer: int, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Keys, before the rotary embedding but behind a norm of keys, and values, of the layers that are skipped.

        hidden: as `ask` has it. Each: [skipped, rows, heads of keys, size of a head].
        """
        about = self.about
        fitted = self._early[layer].states(normed(hidden))
        both = fitted.view(len(hidden), about.layers - layer, 2, about.kv_heads, about.head_dim)
        return both[:, :, 0].transpose(0, 1), both[:, :, 1].transpose(0, 1)

    def guess(self, layer: int, hidden: Tensor) -> Guess:
        """The next tokens, however likely they are. hidden: as `ask` has it."""
        if layer < self.about.layers:
            return self._early[layer].head.guess(normed(hidden))
        assert self._norm is not None
        return self._sketch.guess(self._norm(hidden))

    def doubt(self, hidden: Tensor) -> Tensor:
        """FloatTensor[rows]: the probability that the model's next token is going to be wrong.

        hidden: as `ask` has it, behind all layers.
        """
        return self._doubt.probability(normed(hidden), self.guess(self.about.layers, hidden).logprob)

    def _ask_early(self, layer: int, hidden: Tensor) -> Verdict:
        asked, bound = self._early[layer], self._thresholds[layer]
        token = torch.full((len(hidden),), -1, dtype=torch.long, device=hidden.device)
        logprob = torch.zeros(len(hidden), dtype=torch.float32, device=hidden.device)
        state = normed(hidden)
        likely = asked.gate(state)[:, 0] >= bound.gate_from
        if bool(likely.any()):
            found = asked.head.guess(state[likely])
            sure = found.logprob >= bound.exit_from
            token[likely] = torch.where(sure, found.token, -1)
            logprob[likely] = torch.where(sure, found.logprob, 0.0)
        return Verdict(token, logprob, torch.zeros_like(likely))

    def _ask_last(self, hidden: Tensor) -> Verdict:
        found = self.guess(self.about.layers, hidden)
        if self._stops:
            stop = self._doubt.probability(normed(hidden), found.logprob) >= self.about.stop_from
        else:
            stop = torch.zeros(len(hidden), dtype=torch.bool, device=hidden.device)
        sure = (found.logprob >= self._thresholds[self.about.layers].exit_from) & ~stop
        return Verdict(torch.where(sure, found.token, -1), torch.where(sure, found.logprob, 0.0), stop)


def load(path: Path, model_sha256: str, device: torch.device, dtype: torch.dtype) -> Exits:
    """Raises ExitsRefused where the file is damaged, or was trained for another model."""
    about, tensors = read(path, model_sha256)

    def linear(name: str) -> Linear:
        return Linear(tensors[f"{name}.weight"].to(device, dtype), tensors[f"{name}.bias"].to(device, dtype))

    early = {}
    for each in about.exits[:-1]:
        at = each.layer
        head = ShortList(tensors["tokens"].to(device), linear(f"{at}.head"))
        early[at] = Early(linear(f"{at}.gate"), head, linear(f"{at}.states"))
    down, up, mean = (tensors[f"sketch.{part}"].to(device, dtype) for part in ("down", "up", "mean"))
    sketch = Sketch(down, up, mean, about.candidates, rows=torch.empty(0, about.width))
    return Exits(about, early, sketch, Doubt(linear("doubt")))
