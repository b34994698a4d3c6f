"""The model's first tokens, with what could say whether they are right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from rung.models.server.exits.exits import Exits
from rung.models.server.exits.modules import computed, no_keys
from rung.models.server.exits.watching import watched


@dataclass(frozen=True, slots=True)
class FirstToken:
    """chance: its probability. doubt: Stop's probability that it is wrong."""

    chance: float
    doubt: float


@torch.inference_mode()
def first_tokens(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, exits: Exits, prompt: str, count: int
) -> list[FirstToken]:
    """Greedy, by all layers, to the end of the line at most."""
    ids: Any = torch.tensor([list(tokenizer(prompt)["input_ids"])], device=model.device)
    kept = no_keys(model)
    found: list[FirstToken] = []
    with watched(model, [exits.about.layers], []) as seen:
        while len(found) < count:
            output = computed(model, ids, kept, logits_to_keep=1)
            chance, token = output.logits[0, -1].float().softmax(dim=-1).max(dim=-1)
            doubt = exits.doubt(seen.hidden[exits.about.layers][-1:])
            found.append(FirstToken(float(chance), float(doubt)))
            ids = token.view(1, 1)
            if "\n" in str(tokenizer.decode([int(token)])):
                break
    return found
