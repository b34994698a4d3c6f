"""Where a transformers decoder keeps its parts, which it types loosely."""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor
from transformers import DynamicCache, PreTrainedModel


def decoder_of(model: PreTrainedModel) -> Any:
    """Without the head; has `layers` and `norm`."""
    return cast(Any, model).get_decoder()


def layers_of(model: PreTrainedModel) -> Any:
    return decoder_of(model).layers


def no_keys(model: PreTrainedModel) -> DynamicCache:
    """Keys and values of no token yet."""
    return DynamicCache(config=decoder_of(model).config)


def computed(model: PreTrainedModel, ids: Tensor, kept: DynamicCache, **options: Any) -> Any:
    """transformers' own output for ids, LongTensor[1, tokens], behind the tokens in `kept`, where they are added."""
    # by its place: transformers 5.24 gave this parameter another name
    return cast(Any, model)(ids, None, None, kept, use_cache=True, **options)


def head_of(model: PreTrainedModel) -> Tensor:
    """[vocabulary, width]."""
    rows: Tensor = cast(Any, model).get_output_embeddings().weight.detach()
    return rows
