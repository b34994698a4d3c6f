"""Where a model is computed, and with which numbers."""

from __future__ import annotations

import torch

from rung.models.server.checkpoint import LoadFailed

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_USUAL = {"cpu": torch.float32, "cuda": torch.bfloat16, "mps": torch.float16}


def device_named(name: str) -> torch.device:
    """name: auto, cpu, cuda, cuda:N or mps. Raises LoadFailed."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise LoadFailed(f"There is no device {name!r}: use auto, cpu, cuda, cuda:N or mps.") from error
    seen = {
        "cpu": device.index in (None, 0),
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not seen.get(device.type, False):
        raise LoadFailed(f"torch sees no device {name!r} here: use --device cpu, or install a torch built for it.")
    return device


def use_threads(count: int) -> None:
    """Of a processor, for everything that torch computes from now on."""
    torch.set_num_threads(count)


def dtype_named(name: str, device: torch.device) -> torch.dtype:
    """name: auto, float32, bfloat16 or float16. Raises LoadFailed."""
    if name == "auto":
        return _USUAL[device.type]
    if name not in _DTYPES:
        raise LoadFailed(f"There is no dtype {name!r}: use auto, {', '.join(_DTYPES)}.")
    return _DTYPES[name]
