"""The next token of many samples at once.

A sample's token at a place is drawn by a number that hangs on the seed, the sample and the place alone. So drawing it
where a draft is verified gives what plain sampling gives: the draft's token is right if it is the one that was drawn.
For a draft, which proposes one token with certainty, that is the rejection rule of Leviathan et al. 2023 (section 2.3,
q = 1): it is accepted with probability p, and what comes instead is drawn from p without it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

_FRACTION_BITS = 53


@dataclass(frozen=True, slots=True)
class Place:
    """Where a token is drawn. temperature: 0 is greedy. sample, position: of it in the answer."""

    temperature: float
    seed: int
    sample: int
    position: int

    def uniform(self) -> float:
        """In [0, 1), the same for the same place."""
        text = f"{self.seed}/{self.sample}/{self.position}".encode()
        digest = hashlib.blake2b(text, digest_size=8).digest()
        return (int.from_bytes(digest) >> (64 - _FRACTION_BITS)) / (1 << _FRACTION_BITS)


def draw(logits: Tensor, places: Sequence[Place]) -> list[int]:
    """logits: [places, vocabulary], where no place is left out. Raises RuntimeError where they are no numbers."""
    best = logits.max(dim=-1)
    if not bool(torch.isfinite(best.values).all()):
        raise RuntimeError("the model's logits are no numbers")
    tokens = best.indices
    warm = [number for number, place in enumerate(places) if place.temperature > 0]
    if warm:
        index = torch.tensor(warm, device=logits.device)
        precise = torch.float32 if logits.device.type == "mps" else torch.float64  # Apple's has no float64
        heat = torch.tensor([places[number].temperature for number in warm], device=logits.device)[:, None]
        below = torch.softmax(logits[index].to(precise) / heat, dim=-1).cumsum(dim=-1)
        chosen = torch.tensor([places[number].uniform() for number in warm], dtype=below.dtype, device=logits.device)
        # a sum that rounds to less than 1 must not lead behind the last token
        found = torch.searchsorted(below, chosen[:, None] * below[:, -1:], right=True)[:, 0]
        if bool((found >= logits.shape[1]).any()):
            raise RuntimeError("the temperature is too low to divide by")
        tokens[index] = found
    drawn: list[int] = tokens.tolist()
    return drawn
