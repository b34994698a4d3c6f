"""Makes a checkpoint whose vocabulary is what source code needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rung.models.catalogue import Checkpoint, Material, Origin, Progress, check_free, make, material
from rung.models.catalogue.files import disk_errors, sha256_of
from rung.models.catalogue.progress import SILENT
from rung.models.reshape.child import ask_llama, pieces
from rung.models.reshape.choosing import Wanted, choose, rounded
from rung.models.reshape.corpus import source_files
from rung.models.reshape.errors import ReshapeFailed
from rung.models.reshape.layout import Layout
from rung.models.reshape.remapping import values_for
from rung.models.reshape.tokenizer import tokenizer_of
from rung.models.reshape.writing import write

_TABLES = ("token_embd.weight", "output.weight", "output.bias", "per_layer_token_embd.weight")
_PROBE = 'def f(x: str = "\\n") -> None:\n\treturn {x: [1, 2.5e-3], "größe": "日本語 🦜"}  # naïve\n'


@dataclass(frozen=True, slots=True)
class Trimmed:
    """before, after: tokens in the vocabulary. covered: the share of the corpus's tokens that are kept.

    files, corpus_bytes: what of the corpus was read.
    """

    checkpoint: Checkpoint
    before: int
    after: int
    covered: float
    files: int
    corpus_bytes: int


def trim(
    name: str,
    corpus: Sequence[Path],
    wanted: Wanted,
    *,
    new_name: str | None = None,
    replace: bool = False,
    progress: Progress = SILENT,
) -> Trimmed:
    """Make a checkpoint with the part of the vocabulary that `corpus` needs; every text can still be written with it.

    new_name: else made of `name` and the size. replace: whether one that rung made before may go.
    Raises CatalogueError, of which ReshapeFailed is one.
    """
    made_of = material(name)
    if new_name or wanted.tokens:  # else the name comes of the count; what is refused is told before the long work
        check_free(new_name or _name(made_of, rounded(wanted.tokens or 0)), made_of, replace=replace)
    with disk_errors(made_of.path.parent):
        layout = Layout(made_of.path)
    tokenizer = tokenizer_of(layout)
    tokenizer.byte_tokens()
    tables = _tables(layout, len(tokenizer.texts))
    counted = _count(made_of.path, corpus, progress)
    kept = choose(tokenizer, counted.counts, counted.characters, wanted)
    rows = {table: np.array(kept, dtype=np.int64) for table in tables}
    options = {
        "tokens": str(len(kept)),
        "characters": "all" if wanted.all_characters else "seen",
        "corpus": f"{' '.join(map(str, corpus))}: {counted.files} files of {counted.size} bytes",
    }

    def build(target: Path) -> Origin:
        with disk_errors(target.parent):
            sha256 = sha256_of(made_of.path, progress)
            values = values_for(layout, tokenizer, kept)
            write(target, layout, values, rows, lambda done, total: progress.advance("writing", done, total))
        _check(target, len(kept))
        return Origin(made_of.name, sha256, "trimmed", options)

    checkpoint = make(
        new_name or _name(made_of, len(kept)),
        made_of,
        build,
        title=f"{made_of.title}, {len(kept):,} tokens",
        room=made_of.size - _saved(layout, rows),
        replace=replace,
        progress=progress,
    )
    covered = sum(counted.counts.get(token, 0) for token in kept) / sum(counted.counts.values())
    return Trimmed(checkpoint, len(tokenizer.texts), len(kept), covered, counted.files, counted.size)


@dataclass(frozen=True, slots=True)
class _Counted:
    counts: dict[int, int]
    characters: str
    files: int
    size: int


def _count(checkpoint: Path, corpus: Sequence[Path], progress: Progress) -> _Counted:
    files = [str(file) for file in source_files(corpus)]
    told = ask_llama(
        "count",
        {"checkpoint": str(checkpoint), "files": files},
        lambda done, total: progress.advance("counting tokens", done, total),
    )
    counts = {int(token): int(times) for token, times in told["counts"].items()}
    if not counts:
        raise ReshapeFailed("The corpus has no text in UTF-8: name files or folders of code.")
    return _Counted(counts, str(told["characters"]), int(told["files"]), int(told["bytes"]))


def _tables(layout: Layout, tokens: int) -> list[str]:
    """The tensors with a row for each token."""
    if layout.integer("split.count"):
        raise ReshapeFailed(f"{layout.path.name} is a part of a checkpoint in several files: join them first.")
    tables = [tensor.name for tensor in layout.tensors if tensor.name in _TABLES]
    if "token_embd.weight" not in tables:
        raise ReshapeFailed(f"{layout.path.name} has no token embeddings: it is no language model that can be trimmed.")
    for tensor in layout.tensors:
        known = tensor.name in _TABLES
        if (known and tensor.shape[-1] != tokens) or (not known and tokens in tensor.shape):
            raise ReshapeFailed(
                f"The tensor {tensor.name[:80]!r} of {layout.path.name} has the shape {tensor.shape}, which does "
                f"not go with {tokens:,} tokens: it cannot be trimmed."
            )
    return tables


def _saved(layout: Layout, rows: Mapping[str, NDArray[np.int64]]) -> int:
    return sum(
        tensor.size // tensor.shape[-1] * (tensor.shape[-1] - len(rows[tensor.name]))
        for tensor in layout.tensors
        if tensor.name in rows
    )


def _check(path: Path, tokens: int) -> None:
    """That llama.cpp loads it, and that it can write what no corpus taught it."""
    loaded = ask_llama("load", {"checkpoint": str(path)})["tokens"]
    (cut,) = pieces(path, [_PROBE])
    text = b"".join(cut).decode("utf-8", "replace").removeprefix(" ")
    if loaded != tokens or text != _PROBE:
        raise ReshapeFailed("The trimmed checkpoint does not give back a text that it was given, so it is not kept.")


def _name(made_of: Material, tokens: int) -> str:
    return f"{made_of.stem}-{tokens // 1024}k" if tokens % 1024 == 0 else f"{made_of.stem}-{tokens}"
