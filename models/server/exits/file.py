"""The file of trained exits: safetensors, with all settings in its metadata."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

_KEY = "rung-exits"
_FORMAT = 1

_Count = Annotated[int, Field(ge=1, le=1 << 24)]
# infinity is "never"; not a number is a damaged file
_Bound = Annotated[float, Field(allow_inf_nan=True)]


class ExitsRefused(Exception):
    """The exits cannot be used or trained; the message says why and what to do."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class Exit(_Strict):
    """Thresholds behind `layer` layers: of the gate's output, to ask the head at all; of the log-probability, to leave.

    Infinity: never.
    """

    layer: _Count
    gate_from: _Bound
    exit_from: _Bound


class About(_Strict):
    """What was trained, for which model, and on how much.

    layers, width, vocabulary, kv_heads, head_dim: of the model. listed: tokens of the short list. rank, candidates: of
    the sketch of the full head. loss: that was allowed. tokens, seed: of the training. exits: ascending, the last one
    behind all layers. stop_from: of the probability that the model is going to be wrong, to stop.
    """

    format: int = _FORMAT
    model_sha256: str
    layers: _Count
    width: _Count
    vocabulary: _Count
    kv_heads: _Count
    head_dim: _Count
    listed: _Count
    rank: _Count
    candidates: _Count
    loss: float
    tokens: int
    seed: int
    exits: Annotated[tuple[Exit, ...], Field(max_length=1024)]
    stop_from: _Bound


def write(path: Path, about: About, tensors: Mapping[str, Tensor]) -> None:
    """In 16 bits; whole or not at all. Raises OSError."""
    packed = {name: (part if part.dtype == torch.long else part.half()).contiguous() for name, part in tensors.items()}
    with tempfile.TemporaryDirectory(dir=path.absolute().parent) as folder:
        made = Path(folder, "exits")
        made.write_bytes(save(packed, {_KEY: about.model_dump_json()}))
        os.replace(made, path)


def read(path: Path, model_sha256: str) -> tuple[About, dict[str, Tensor]]:
    """Raises ExitsRefused."""
    try:
        with safe_open(path, framework="pt") as file:
            about = _about((file.metadata() or {}).get(_KEY), path)
            if about.model_sha256 != model_sha256:
                raise ExitsRefused(f"{path} was trained for another model: train it anew with `rung exits train`.")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  it is no mapping
    except (OSError, SafetensorError) as error:
        raise ExitsRefused(f"{path} cannot be read ({error}): train it anew with `rung exits train`.") from error
    _check(path, about, tensors)
    return about, tensors


def _about(text: str | None, path: Path) -> About:
    if text is None:
        raise ExitsRefused(f"{path} was not written by `rung exits train`.")
    try:
        about = About.model_validate_json(text)
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, each["loc"])) for each in error.errors()[:3])
        raise ExitsRefused(f"{path} is damaged, or of another version of rung ({fields}): train it anew.") from error
    layers = [each.layer for each in about.exits]
    if about.format != _FORMAT or layers != sorted(set(layers)) or layers[-1:] != [about.layers]:
        raise ExitsRefused(f"{path} is damaged, or of another version of rung: train it anew.")
    return about


def _check(path: Path, about: About, tensors: Mapping[str, Tensor]) -> None:
    expected = _shapes(about)
    got = {name: tuple(part.shape) for name, part in tensors.items()}
    sound = got == expected and all(bool(part.isfinite().all()) for part in tensors.values())
    if sound:
        listed = tensors["tokens"]
        sound = listed.dtype == torch.long and 0 <= int(listed.min()) <= int(listed.max()) < about.vocabulary
    if not sound or about.candidates > about.vocabulary:
        raise ExitsRefused(f"{path} is damaged: train it anew with `rung exits train`.")


def _shapes(about: About) -> dict[str, tuple[int, ...]]:
    width = about.width
    shapes: dict[str, tuple[int, ...]] = {
        "tokens": (about.listed,),
        "sketch.down": (width, about.rank),
        "sketch.up": (about.rank, about.vocabulary),
        "sketch.mean": (width,),
        "doubt.weight": (width + 1, 1),
        "doubt.bias": (1,),
    }
    for each in about.exits[:-1]:
        skipped = (about.layers - each.layer) * 2 * about.kv_heads * about.head_dim
        for part, count in {"gate": 1, "head": about.listed + 1, "states": skipped}.items():
            shapes[f"{each.layer}.{part}.weight"] = (width, count)
            shapes[f"{each.layer}.{part}.bias"] = (count,)
    return shapes
