"""From a checkpoint's name to its trained exits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from rung.models.server.checkpoint import load, source
from rung.models.server.devices import device_named
from rung.models.server.exits.training import Progress, Trained, Wanted, train


def train_checkpoint(
    checkpoint: str, folders: Sequence[Path], out: Path, wanted: Wanted, progress: Progress
) -> Trained:
    """Takes minutes. Raises LoadFailed, and what `train` raises."""
    origin = source(checkpoint)
    # half the time of float32, on processors too; what is fitted to is rounded a little, at random
    model, tokenizer = load(origin, device_named("auto"), torch.bfloat16)
    return train(model, tokenizer, origin.sha256(), folders, out, wanted, progress)
