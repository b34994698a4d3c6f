"""Attention of sequences of different lengths, without padding.

It stands in for transformers' own attention function, and keeps keys and values: that works for every decoder that
takes its attention from transformers' registry.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

from rung.models.server.rows import Rows, Span

ATTENTION = "rung_ragged"


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    _attention_mask: Tensor | None,
    *,
    rows: Rows,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: Tensor | None = None,
    **_others: Any,
) -> tuple[Tensor, None]:
    """Each sequence's queries to its own keys. query: [1, heads, tokens, size]; gives [1, tokens, heads, size].

    Raises ValueError for what only some models have and this has not: capped scores, sinks.
    """
    if softcap is not None or s_aux is not None:
        raise ValueError("it caps attention scores, or has attention sinks")
    layer: int = module.layer_idx  # type: ignore[assignment]
    attended = [
        _attended(span, rows, layer, query[0], key[0], value[0], scaling, sliding_window) for span in rows.spans
    ]
    return torch.cat(attended, dim=1).transpose(0, 1)[None], None


def _attended(
    span: Span,
    rows: Rows,
    layer: int,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    scaling: float | None,
    window: int | None,
) -> Tensor:
    """[heads, tokens of the span, size]. The heads that share keys are rows of one query: nothing is repeated."""
    here = slice(span.at, span.at + span.count)
    keys, values = span.kept.write(layer, span.start, key[:, here], value[:, here])
    heads, _, size = query.shape
    shared = heads // keys.shape[0]
    first = max(0, span.start + 1 - window) if window else 0
    mask = None
    if span.count > 1:
        known = (span.at, window, shared)  # the same in all layers of a kind
        if known not in rows.masks:
            rows.masks[known] = _mask(span, first, window, query.device).repeat(shared, 1)
        mask = rows.masks[known]
    found = scaled_dot_product_attention(
        query[:, here].reshape(1, keys.shape[0], shared * span.count, size),
        keys[None, :, first:],
        values[None, :, first:],
        attn_mask=mask,
        scale=scaling,
    )
    return found.reshape(heads, span.count, -1)


def _mask(span: Span, first: int, window: int | None, device: torch.device) -> Tensor:
    """[tokens of the span, positions from `first` on]: True where a token may look."""
    asking = torch.arange(span.start, span.start + span.count, device=device)[:, None]
    asked = torch.arange(first, span.start + span.count, device=device)[None]
    seen = asked <= asking
    return seen & (asked > asking - window) if window else seen


AttentionInterface.register(ATTENTION, attend)
