"""Trains the exits of a model on source code, in minutes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from rung.models.server.exits import short_list
from rung.models.server.exits.costs import costs_of
from rung.models.server.exits.doubting import classifier
from rung.models.server.exits.file import About, write
from rung.models.server.exits.fitting import Moments, fit
from rung.models.server.exits.modules import head_of
from rung.models.server.exits.parts import Doubt, Early, Sketch
from rung.models.server.exits.reading import Read, read, windows
from rung.models.server.exits.sketching import sketch
from rung.models.server.exits.tuning import Tuned, answers, batched, tune
from rung.models.server.exits.watching import Shape, shape_of

_DEPTHS = (0.73, 0.8, 0.87)  # of the layers: before, hardly a token is known; later, little is saved
_LISTED = 4096
_RANK = 0.25  # of the width
_CANDIDATES = 256
_TINY = 1e-4
_LOSSES = (0.005, 0.01, 0.02, 0.05, 0.1)  # that are tried beside the one that is wanted


class Progress(Protocol):
    """Told how far a stage is."""

    def advance(self, stage: str, done: int, total: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """loss: of the tokens that the model gets right, the share that may be lost, half of it to Exit and half to Stop.

    tokens: of source to read. seed: of all choices.
    """

    loss: float
    tokens: int
    seed: int


@dataclass(frozen=True, slots=True)
class Trained:
    """tuned: what was written. by_loss: what other losses would have given."""

    tuned: Tuned
    by_loss: dict[float, Tuned]


def train(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    model_sha256: str,
    folders: Sequence[Path],
    out: Path,
    wanted: Wanted,
    progress: Progress,
) -> Trained:
    """Writes `out`, and says what the exits do on held-out text.

    Raises ExitsRefused, ReshapeFailed where a folder cannot be read, OSError where `out` cannot be written.
    """
    shape = shape_of(model)
    layers = sorted({max(1, round(shape.layers * depth)) for depth in _DEPTHS} - {shape.layers})
    texts = windows(folders, tokenizer, wanted.tokens, wanted.seed)
    reading = [*layers, shape.layers]
    seen, moments = read(model, shape, reading, texts, lambda done, of: progress.advance("reading", done, of))
    head = head_of(model).cpu()
    listed = short_list.frequent(seen, shape.vocabulary, min(_LISTED, shape.vocabulary))
    total = short_list.STEPS * len(layers)
    step = _counting(lambda done: progress.advance("training", done, total))
    early = {layer: _early(seen, layer, listed, head, moments[layer], wanted.seed, step) for layer in layers}
    rank, candidates = max(1, round(shape.width * _RANK)), min(_CANDIDATES, shape.vocabulary)
    made = sketch(seen.final[: seen.cut], head, rank, candidates)
    doubt = _doubt(seen, seen.states[shape.layers])
    about = _about(model_sha256, shape, len(listed), made, wanted, seen)
    held, costs = answers(early, made, doubt, seen), costs_of(model, about)
    losses = sorted({*_LOSSES, wanted.loss})
    by_loss = {}
    for number, loss in enumerate(losses, 1):
        by_loss[loss] = tune(held, costs, loss)
        progress.advance("thresholds", number, len(losses))
    tuned = by_loss[wanted.loss]
    kept = {each.layer: early[each.layer] for each in tuned.exits[:-1]}
    about = about.model_copy(update={"exits": tuned.exits, "stop_from": tuned.stop_from})
    write(out, about, _tensors(listed, kept, made, doubt))
    return Trained(tuned, by_loss)


def _early(
    seen: Read, layer: int, listed: Tensor, head: Tensor, moments: Moments, seed: int, step: Callable[[], None]
) -> Early:
    states = seen.states[layer][: seen.cut]
    own = short_list.train(seen, layer, listed, head[listed].float(), seed, step)
    sure = batched(own.guess, states).logprob.exp().clamp(_TINY, 1 - _TINY)
    return Early(fit(states, torch.logit(sure)[:, None]), own, moments.best())


def _doubt(seen: Read, states: Tensor) -> Doubt:
    """states: of all tokens, behind all layers."""
    known = slice(seen.cut)
    features = torch.cat((states[known].float(), seen.sure[known, None]), dim=1)
    return Doubt(classifier(features, ~seen.right[known]))


def _about(model_sha256: str, shape: Shape, listed: int, made: Sketch, wanted: Wanted, seen: Read) -> About:
    """Without thresholds."""
    return About(
        model_sha256=model_sha256,
        layers=shape.layers,
        width=shape.width,
        vocabulary=shape.vocabulary,
        kv_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        listed=listed,
        rank=made.down.shape[1],
        candidates=made.candidates,
        loss=wanted.loss,
        tokens=len(seen.token),
        seed=wanted.seed,
        exits=(),
        stop_from=math.inf,
    )


def _tensors(listed: Tensor, early: Mapping[int, Early], made: Sketch, doubt: Doubt) -> dict[str, Tensor]:
    tensors = {"tokens": listed, "sketch.down": made.down, "sketch.up": made.up, "sketch.mean": made.mean}
    linears = {"doubt": doubt.odds}
    for layer, each in early.items():
        linears |= {f"{layer}.gate": each.gate, f"{layer}.head": each.head.scores, f"{layer}.states": each.states}
    for name, part in linears.items():
        tensors |= {f"{name}.weight": part.weight, f"{name}.bias": part.bias}
    return tensors


def _counting(tell: Callable[[int], None]) -> Callable[[], None]:
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        tell(done)

    return step
