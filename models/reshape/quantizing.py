"""Makes a checkpoint with other types of numbers, by llama.cpp's own quantization."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from rung.models.catalogue import Checkpoint, DiskFull, Origin, Progress, make, material
from rung.models.catalogue.files import disk_errors, sha256_of
from rung.models.catalogue.header import read_header
from rung.models.catalogue.progress import SILENT
from rung.models.reshape.child import ask_llama
from rung.models.reshape.errors import ReshapeFailed

# llama.h, enum llama_ftype; those that need an importance matrix are left out. The second number: bits a weight, about.
FTYPES: dict[str, tuple[int, float]] = {
    "F16": (1, 16.0), "BF16": (32, 16.0), "Q8_0": (7, 8.5), "Q6_K": (18, 6.6), "Q5_K_M": (17, 5.7), "Q5_K_S": (16, 5.6),
    "Q5_1": (9, 6.0), "Q5_0": (8, 5.5), "Q4_K_M": (15, 4.9), "Q4_K_S": (14, 4.6), "Q4_1": (3, 5.0), "Q4_0": (2, 4.5),
    "IQ4_NL": (25, 4.5), "IQ4_XS": (30, 4.3), "Q3_K_L": (13, 4.3), "Q3_K_M": (12, 3.9), "Q3_K_S": (11, 3.5),
    "Q2_K": (10, 3.2),
}  # fmt: skip
# ggml.h, enum ggml_type.
HEADS = {
    "F16": 1, "BF16": 30, "Q8_0": 8, "Q6_K": 14, "Q5_K": 13, "Q5_1": 7, "Q5_0": 6, "Q4_K": 12, "Q4_1": 3, "Q4_0": 2,
    "IQ4_NL": 20,
}  # fmt: skip
T = TypeVar("T")


def quantize(
    name: str,
    to: str,
    *,
    head: str | None = None,
    new_name: str | None = None,
    replace: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> Checkpoint:
    """Make a checkpoint of the type `to`, one of FTYPES.

    head: the type of output layer and embeddings, one of HEADS; llama.cpp's choice, mostly a wider one, if not given.
    new_name: else made of `name` and the types. replace: whether one that rung made before may go.
    Raises CatalogueError, of which ReshapeFailed is one.
    """
    ftype, bits = _known(FTYPES, to, "a quantization")
    head_type = None if head is None else _known(HEADS, head, "a type for the head")
    made_of = material(name)
    with disk_errors(made_of.path.parent):
        parameters = read_header(made_of.path).parameters

    def build(target: Path) -> Origin:
        with disk_errors(target.parent):
            sha256 = sha256_of(made_of.path, progress)
        request = {
            "source": str(made_of.path),
            "target": str(target),
            "ftype": ftype,
            "head": head_type,
            "threads": threads or min(os.cpu_count() or 1, 8),
        }
        try:
            ask_llama("quantize", request, lambda done, total: progress.advance("quantizing", done, total))
        except ReshapeFailed as error:
            if "iostream error" in str(error):  # all that llama.cpp says of a write that failed
                raise DiskFull(
                    f"{target.parent} could not take the whole file: its disk is full or limited; make room there, or "
                    "point RUNG_MODELS_DIR to a folder on another disk, and run it again."
                ) from None
            raise
        ask_llama("load", {"checkpoint": str(target)})
        return Origin(made_of.name, sha256, "quantized", {"to": to, **({"head": head} if head else {})})

    title = f"{made_of.title}, {to}" + (f" with head {head}" if head else "")
    return make(
        new_name or f"{made_of.stem}-{to.lower()}" + (f"-head-{head.lower()}" if head else ""),
        made_of,
        build,
        title=title,
        room=int(parameters * bits / 8),
        replace=replace,
        progress=progress,
    )


def _known(table: Mapping[str, T], name: str, what: str) -> T:
    if name not in table:
        raise ReshapeFailed(f"{name!r} is not {what} that rung knows: take one of {', '.join(table)}.")
    return table[name]
