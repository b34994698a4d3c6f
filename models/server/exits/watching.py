"""What passes through a model: states behind layers, keys before the rotary embedding, and values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from rung.models.server.exits.file import ExitsRefused
from rung.models.server.exits.modules import computed, decoder_of, head_of, layers_of, no_keys

_PROBE = torch.arange(3, 15)[None]
_ROUNDING = 2e-2  # of the largest number


@dataclass(slots=True)
class Seen:
    """Of the last pass over one sequence.

    hidden: by number of layers, [tokens, width]. keys, values: by index of the layer, [tokens, heads, size].
    embeddings: cos and sin, by index of the layer.
    """

    hidden: dict[int, Tensor] = field(default_factory=dict)
    keys: dict[int, Tensor] = field(default_factory=dict)
    values: dict[int, Tensor] = field(default_factory=dict)
    embeddings: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shape:
    """Of a model, as far as exits depend on it."""

    layers: int
    width: int
    vocabulary: int
    kv_heads: int
    head_dim: int


def shape_of(model: PreTrainedModel) -> Shape:
    """Raises ExitsRefused for an architecture whose keys and values cannot be written by fitted ones."""
    config = model.config.get_text_config()
    try:
        attention = layers_of(model)[0].self_attn
        size = int(attention.head_dim)
        heads = attention.k_proj.out_features // size
        shape = Shape(len(layers_of(model)), config.hidden_size, len(head_of(model)), heads, size)
        _check(model, shape)
    except (AttributeError, IndexError, KeyError, RuntimeError, TypeError) as error:
        raise _unknown(model) from error
    return shape


@contextmanager
def watched(model: PreTrainedModel, hidden: Sequence[int], states: Sequence[int]) -> Iterator[Seen]:
    """hidden: numbers of layers behind which to look. states: indices of layers whose keys and values are wanted."""
    seen = Seen()
    layers = layers_of(model)
    hooks = [layers[count - 1].register_forward_hook(_keeping_hidden(seen, count)) for count in hidden]
    for index in states:
        attention = layers[index].self_attn
        hooks.append(keys_module(attention).register_forward_hook(_keeping(seen.keys, index, attention.head_dim)))
        hooks.append(attention.v_proj.register_forward_hook(_keeping(seen.values, index, attention.head_dim)))
        hooks.append(layers[index].register_forward_pre_hook(_keeping_embeddings(seen, index), with_kwargs=True))
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def keys_module(attention: Any) -> nn.Module:
    """What gives the keys that the rotary embedding then turns."""
    module: nn.Module = attention.k_norm if getattr(attention, "k_norm", None) is not None else attention.k_proj
    return module


def rows_of(output: Tensor, size: int, tokens: int) -> Tensor:
    """[tokens, heads, size] of what a projection or a norm of one sequence gives; some have the heads first."""
    if output.dim() == 4 and output.shape[2] == tokens and output.shape[1] != tokens:
        output = output.transpose(1, 2)
    return output.reshape(tokens, -1, size)


def _keeping_hidden(seen: Seen, count: int) -> Any:
    def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
        seen.hidden[count] = (output[0] if isinstance(output, tuple) else output)[0]

    return keep


def _keeping(into: dict[int, Tensor], index: int, size: int) -> Any:
    def keep(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
        tokens = output.shape[1] if output.dim() == 3 else output.numel() // (output.shape[0] * size * _heads(output))
        into[index] = rows_of(output, size, tokens)

    return keep


def _heads(output: Tensor) -> int:
    """Of [1, heads, tokens, size] or [1, tokens, heads, size]: there are fewer heads than tokens wherever we look."""
    return min(output.shape[1], output.shape[2])


def _keeping_embeddings(seen: Seen, index: int) -> Any:
    def keep(_module: nn.Module, _inputs: Any, options: dict[str, Any]) -> None:
        seen.embeddings[index] = options["position_embeddings"]

    return keep


@torch.inference_mode()
def _check(model: PreTrainedModel, shape: Shape) -> None:
    """What was seen, turned as Llama turns it, is what the model keeps; and its head is one product."""
    everywhere = range(shape.layers)
    kept: Any = no_keys(model)
    with watched(model, [], everywhere) as seen:
        output = computed(model, _PROBE.to(model.device), kept)
        final = decoder_of(model)(input_ids=_PROBE.to(model.device), use_cache=False).last_hidden_state
    pairs = [(output.logits, final @ head_of(model).T)]
    for index in everywhere:
        cos, sin = (part[0][:, None] for part in seen.embeddings[index])
        turned = seen.keys[index] * cos + _half_turned(seen.keys[index]) * sin
        pairs.append((kept.layers[index].keys[0].transpose(0, 1), turned))
        pairs.append((kept.layers[index].values[0].transpose(0, 1), seen.values[index]))
    if not all(_near(*pair) for pair in pairs):
        raise _unknown(model)


def _half_turned(keys: Tensor) -> Tensor:
    first, second = keys.chunk(2, dim=-1)
    return torch.cat((-second, first), dim=-1)


def _near(expected: Tensor, got: Tensor) -> bool:
    most = float(expected.abs().max())
    return expected.shape == got.shape and torch.allclose(expected.float(), got.float(), rtol=0, atol=_ROUNDING * most)


def _unknown(model: PreTrainedModel) -> ExitsRefused:
    return ExitsRefused(
        f"Exits cannot be trained for {type(model).__name__}: rung knows decoders that are built like Llama, Qwen or "
        "Gemma 3."
    )
