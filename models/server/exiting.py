"""Tokens that leave a forward pass before its last layer.

Sun et al., Stop & Exit: behind some layers a token may be known already. It leaves; the layers that it skips get keys
and values for it that were fitted to its state at the exit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from rung.models.server.exits.exits import Exits
from rung.models.server.rows import Rows, Span


@dataclass(frozen=True, slots=True)
class Shallow:
    """What was said of a token behind `layers` layers: the next token, -1 for none, or that it is going to be wrong."""

    token: int
    logprob: float
    stop: bool
    layers: int


class Exiting:
    """One pass, and who is still in it. Places count the tokens that it began with.

    rows: of all tokens; kept up to date. able: the numbers of the spans that may leave, of one token each.
    """

    def __init__(self, exits: Exits, layers: int, rows: Rows, able: Sequence[int], device: torch.device) -> None:
        self._exits = exits
        self._layers = layers
        self._rows = rows
        self._number = {rows.spans[number].at: number for number in able}
        self._here = torch.arange(rows.spans[-1].at + rows.spans[-1].count, device=device)
        self._gone: list[_Gone] = []
        self._shallow: dict[int, Shallow] = {}

    def shallow(self, count: int) -> list[Shallow | None]:
        """Of the first `count` spans that the pass began with."""
        return [self._shallow.get(number) for number in range(count)]

    def places(self, wanted: Sequence[int]) -> list[int]:
        """Where the tokens at `wanted`, which have not left, are among those that are left."""
        now = {place: number for number, place in enumerate(self._here.tolist())}
        return [now[place] for place in wanted]

    def of_those_left(self, embeddings: Any) -> tuple[Tensor, ...]:
        """cos and sin, each [1, tokens, size]."""
        return tuple(part[:, self._here] for part in embeddings)

    def write_gone(self, layer: int, embeddings: Any) -> None:
        """Keys and values of those that left before `layer`; embeddings: cos and sin of all."""
        for gone in self._gone:
            gone.write(layer, embeddings)

    def ask(self, depth: int, hidden: Tensor) -> Tensor:
        """hidden: [1, tokens left, width], behind `depth` layers; gives that of those that stay."""
        able = [index for index, place in enumerate(self._here.tolist()) if place in self._number]
        if not able:
            return hidden
        index = torch.tensor(able, device=hidden.device)
        verdict = self._exits.ask(depth, hidden[0, index])
        leaving = (verdict.token >= 0) | verdict.stop
        if not bool(leaving.any()):
            return hidden
        index = index[leaving]
        self._say(depth, index, verdict.token[leaving], verdict.logprob[leaving], verdict.stop[leaving])
        self._leave(depth, index, hidden[0, index])
        stays = torch.ones(hidden.shape[1], dtype=torch.bool, device=hidden.device)
        stays[index] = False
        self._here = self._here[stays]
        return hidden[:, stays]

    def _say(self, depth: int, index: Tensor, tokens: Tensor, logprobs: Tensor, stops: Tensor) -> None:
        places = self._here[index].tolist()
        for place, *told in zip(places, tokens.tolist(), logprobs.tolist(), stops.tolist(), strict=True):
            token, logprob, stop = told
            self._shallow[self._number[place]] = Shallow(token, logprob, stop, depth)

    def _leave(self, depth: int, index: Tensor, hidden: Tensor) -> None:
        at = {span.at: span for span in self._rows.spans}
        leavers = index.tolist()
        if depth < self._layers:
            keys, values = self._exits.states(depth, hidden)
            self._gone.append(_Gone(depth, self._here[index], [at[place] for place in leavers], keys, values))
        self._rows.drop(set(leavers))


class _Gone:
    """Tokens that left behind `depth` layers. keys (not rotated), values: [layers skipped, tokens, heads, size]."""

    def __init__(self, depth: int, places: Tensor, spans: list[Span], keys: Tensor, values: Tensor) -> None:
        self._depth = depth
        self._places = places
        self._spans = spans
        self._keys = keys
        self._values = values

    def write(self, layer: int, embeddings: Any) -> None:
        cos, sin = (part[0, self._places, None] for part in embeddings)
        keys = _rotated(self._keys[layer - self._depth], cos, sin)
        values = self._values[layer - self._depth]
        for number, span in enumerate(self._spans):
            span.kept.write(layer, span.start, keys[number, :, None], values[number, :, None])


class ExitLayer(nn.Module):
    """A layer of a model, behind which tokens may leave."""

    def __init__(self, layer: nn.Module, index: int, asks: bool) -> None:
        super().__init__()
        self.layer = layer
        self._index = index
        self._asks = asks

    def forward(self, hidden_states: Tensor, *, exiting: Exiting | None = None, **options: Any) -> Any:
        if exiting is None:
            return self.layer(hidden_states, **options)
        embeddings = options["position_embeddings"]
        exiting.write_gone(self._index, embeddings)
        if hidden_states.shape[1] == 0:
            return hidden_states
        options["position_embeddings"] = exiting.of_those_left(embeddings)
        hidden_states = self.layer(hidden_states, **options)
        return exiting.ask(self._index + 1, hidden_states) if self._asks else hidden_states


def wrap(layers: nn.ModuleList, exits: Exits) -> None:
    """In place."""
    for index, layer in enumerate(list(layers)):
        layers[index] = ExitLayer(layer, index, index + 1 in exits.layers)


def _rotated(keys: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary embedding of halves (Su et al. 2021, as Llama has it). keys: [tokens, heads, size]."""
    first, second = keys.chunk(2, dim=-1)
    return keys * cos + torch.cat((-second, first), dim=-1) * sin
