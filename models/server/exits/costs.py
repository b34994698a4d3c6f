"""What a token costs in weights that are read for it, which is what decoding waits for."""

from __future__ import annotations

from dataclasses import dataclass

from transformers import PreTrainedModel

from rung.models.server.exits.file import About
from rung.models.server.exits.modules import layers_of


@dataclass(frozen=True, slots=True)
class Costs:
    """Numbers of weights. layer, head: of the model. listed: of a short list. sketch: of the full head's."""

    layers: int
    layer: int
    head: int
    listed: int
    sketch: int
    states: int

    @property
    def whole(self) -> int:
        """Without exits."""
        return self.layers * self.layer + self.head

    def saved(self, layer: int) -> int:
        """By a token that leaves behind `layer` layers; `states` for each layer that it skips is paid for."""
        return (self.layers - layer) * (self.layer - self.states) + self.head

    def asking(self, layer: int) -> int:
        return self.sketch if layer == self.layers else self.listed


def costs_of(model: PreTrainedModel, about: About) -> Costs:
    return Costs(
        layers=about.layers,
        layer=sum(part.numel() for part in layers_of(model)[0].parameters()),
        head=about.vocabulary * about.width,
        listed=(about.listed + 1) * about.width,
        sketch=about.rank * (about.vocabulary + about.width) + about.candidates * about.width,
        states=2 * about.kv_heads * about.head_dim * about.width,
    )
