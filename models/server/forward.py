"""One forward pass over sequences of different lengths.

All tokens lie behind each other in one row, `[1, tokens]`, so that every weight is read once for all of them; only
attention looks at each sequence by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from transformers import PreTrainedModel

from rung.models.server.attention import ATTENTION
from rung.models.server.exiting import Exiting, Shallow, wrap
from rung.models.server.exits.exits import Exits
from rung.models.server.key_values import KeyValues
from rung.models.server.rows import Rows, Segment, spans

_PROBES = (range(3, 12), range(20, 26))  # two texts; the first is computed in two passes
_FIRST_PASS = 4
_SHIFTING = {"dynamic", "longrope"}  # rotary embeddings that hang on the longest text of a pass
_KNOWN_LAYERS = {"full_attention", "sliding_attention"}
_ROUNDING = 2e-2  # of the largest logit; bfloat16 has three digits


class Unsupported(Exception):
    """rung cannot run this architecture; the message says why."""


@dataclass(frozen=True, slots=True)
class Passed:
    """logits: [wanted of all segments that did not exit, vocabulary], float32. rows: of each segment, in it.

    shallow: of each segment, None where all layers were computed.
    """

    logits: Tensor
    rows: list[range]
    shallow: list[Shallow | None]


class Forward:
    """A model, and passes over it. Not to be used by two threads at once.

    Raises Unsupported where the model's own logits differ from those of such a pass.
    """

    def __init__(self, model: PreTrainedModel, exits: Exits | None = None) -> None:
        self._exits = exits
        self._decoder = _decoder(model)
        self.layers = len(self._decoder.layers)
        self.device = next(model.parameters()).device
        self._unembed: Any = cast(Any, model).get_output_embeddings()
        self._softcap: float | None = getattr(model.config.get_text_config(), "final_logit_softcapping", None)
        _refuse(model.config.get_text_config())
        expected = [_own_logits(model, list(probe), self.device) for probe in _PROBES]
        model.set_attn_implementation(ATTENTION)
        self._check(expected)
        if exits is not None:
            wrap(self._decoder.layers, exits)

    @torch.inference_mode()
    def run(self, segments: Sequence[Segment]) -> Passed:
        """Every segment has a token; `kept.tokens` holds them when it is over."""
        rows = Rows(spans(segments))
        exiting = self._exiting(segments, rows)
        starts = [torch.arange(span.start, span.start + span.count) for span in rows.spans]
        hidden: Tensor = self._decoder(
            input_ids=torch.tensor([[token for each in segments for token in each.tokens]], device=self.device),
            position_ids=torch.cat(starts)[None].to(self.device),
            use_cache=False,
            rows=rows,
            **({"exiting": exiting} if exiting else {}),
        ).last_hidden_state[0]
        for segment in segments:
            segment.kept.tokens.extend(segment.tokens)
        shallow: list[Shallow | None] = exiting.shallow(len(segments)) if exiting else [None] * len(segments)
        wanted, of_segment = _wanted(segments, shallow)
        places = exiting.places(wanted) if exiting else wanted
        index = torch.tensor(places, dtype=torch.long, device=self.device)
        return Passed(self._head(hidden[index]), of_segment, shallow)

    def _head(self, hidden: Tensor) -> Tensor:
        logits: Tensor = self._unembed(hidden).float()
        return logits if self._softcap is None else torch.tanh(logits / self._softcap) * self._softcap

    def _exiting(self, segments: Sequence[Segment], rows: Rows) -> Exiting | None:
        able = [number for number, segment in enumerate(segments) if segment.may_exit and len(segment.tokens) == 1]
        if self._exits is None or not able:
            return None
        return Exiting(self._exits, self.layers, rows, able, self.device)

    def _check(self, expected: Sequence[Tensor]) -> None:
        """What this does not know shows here: a scale, a state beside keys and values, a look at one's neighbour."""
        one, other = (KeyValues(self.layers) for _ in _PROBES)
        first, second = _PROBES
        try:
            begun = self.run([Segment(one, first[:_FIRST_PASS], _FIRST_PASS)]).logits
            rest, own = first[_FIRST_PASS:], len(second)
            both = self.run([Segment(one, rest, len(rest)), Segment(other, second, own)]).logits
        except (TypeError, ValueError, AttributeError, RuntimeError, IndexError) as error:
            raise Unsupported(f"its attention cannot be run without padding ({error})") from error
        got = torch.cat((begun, both))
        wanted = torch.cat(list(expected))
        if not torch.allclose(got, wanted, rtol=0, atol=_ROUNDING * float(wanted.abs().max())):
            raise Unsupported("its logits come out otherwise than transformers' own")


def _wanted(segments: Sequence[Segment], shallow: Sequence[Shallow | None]) -> tuple[list[int], list[range]]:
    """The places of the tokens whose logits are needed, and which of these are each segment's."""
    wanted: list[int] = []
    rows = []
    at = 0
    for segment, gone in zip(segments, shallow, strict=True):
        at += len(segment.tokens)
        count = 0 if gone else segment.wanted
        rows.append(range(len(wanted), len(wanted) + count))
        wanted.extend(range(at - count, at))
    return wanted, rows


def _decoder(model: PreTrainedModel) -> Any:
    decoder = cast(Any, model).get_decoder()
    if not hasattr(decoder, "layers"):
        raise Unsupported(f"{type(model).__name__} keeps no list of layers where rung looks for it")
    return decoder


def _refuse(config: Any) -> None:
    """What two short texts do not show."""
    unknown = set(getattr(config, "layer_types", None) or ()) - _KNOWN_LAYERS
    if unknown:
        raise Unsupported(f"some of its layers are no plain attention ({', '.join(sorted(unknown))})")
    told = getattr(config, "rope_parameters", None) or {}
    kinds = [told, *(each for each in told.values() if isinstance(each, dict))]
    if any(kind.get("rope_type") in _SHIFTING for kind in kinds):
        raise Unsupported("its rotary embedding hangs on the longest text of a pass: requests would change each other")


@torch.inference_mode()
def _own_logits(model: PreTrainedModel, tokens: list[int], device: torch.device) -> Tensor:
    logits: Tensor = model(input_ids=torch.tensor([tokens], device=device), use_cache=False).logits[0].float()
    return logits
