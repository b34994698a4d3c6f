"""Makes a sketch of a model's head that is right where final states lie, not everywhere."""

from __future__ import annotations

import torch
from torch import Tensor

from rung.models.server.exits.parts import Sketch

_LEAST = 1e-6  # of the largest spread


def sketch(final: Tensor, rows: Tensor, rank: int, candidates: int) -> Sketch:
    """final: states behind the model's last norm, [tokens, width]. rows: the model's head, [vocabulary, width].

    Of all products of this rank, the one whose logits are nearest to the model's, in the mean over these states.
    """
    rows = rows.float()
    wide = final.float()
    spread, directions = torch.linalg.eigh(wide.T @ wide / len(wide))
    spread = spread.clamp(min=float(spread.max()) * _LEAST)
    whiten = directions * spread.sqrt()
    mean = rows.mean(dim=0)
    centred = (rows - mean) @ whiten
    _, main = torch.linalg.eigh(centred.T @ centred)
    main = main[:, -rank:]
    down = directions / spread.sqrt() @ main
    return Sketch(down, (centred @ main).T.contiguous(), mean, candidates, rows)
