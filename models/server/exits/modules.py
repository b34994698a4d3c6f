"""Where a transformers decoder keeps its parts, which it types loosely."""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor
from transformers import PreTrainedModel


def decoder_of(model: PreTrainedModel) -> Any:
    """Without the head; has `layers` and `norm`."""
    return cast(Any, model).get_decoder()


def layers_of(model: PreTrainedModel) -> Any:
    return decoder_of(model).layers


def head_of(model: PreTrainedModel) -> Tensor:
    """[vocabulary, width]."""
    rows: Tensor = cast(Any, model).get_output_embeddings().weight.detach()
    return rows
