"""Writes a GGUF file from the parts of another."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rung.models.reshape.layout import Layout, Tensor, pack_text

_VERSION = 3
_CHUNK = 4 << 20
_STRING, _ARRAY, _UINT32 = 8, 9, 4
_CODES = {5: "i", 6: "f"}


@dataclass(frozen=True, slots=True)
class Rows:
    """Only these rows of a tensor, ascending; a row is what its last dimension counts."""

    tensor: Tensor
    kept: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, ...]:
        return (*self.tensor.shape[:-1], len(self.kept))

    @property
    def size(self) -> int:
        return self.tensor.size // self.tensor.shape[-1] * len(self.kept)


def write(
    target: Path,
    layout: Layout,
    values: Mapping[str, bytes | None],
    rows: Mapping[str, NDArray[np.int64]],
    advance: Callable[[int, int], None],
) -> None:
    """A file like `layout`'s.

    values: packed values by key that replace or follow the old ones; None drops one.
    rows: of the tensors, by name, of which not all are kept. advance: told (bytes written, bytes in all).
    Raises OSError.
    """
    pairs = [pair.raw for key, pair in layout.pairs.items() if key not in values]
    pairs += [pack_text(key.encode()) + value for key, value in values.items() if value is not None]
    parts = [Rows(t, rows[t.name]) if t.name in rows else t for t in layout.tensors]
    head = _head(pairs, parts, layout.alignment)
    total = len(head) + sum(_padded(part.size, layout.alignment) for part in parts)
    with layout.path.open("rb") as source, target.open("wb") as file:
        done = file.write(head)
        for part in parts:
            for chunk in _chunks(part, source.seek, source.read, layout.path):
                done += file.write(chunk)
                advance(done, total)
            done += file.write(bytes(_padded(part.size, layout.alignment) - part.size))
        advance(done, total)


def packed_integer(value: int) -> bytes:
    return struct.pack("<II", _UINT32, value)


def packed_numbers(values: Iterable[float], kind: int) -> bytes:
    """kind: GGUF's 5 (32-bit integers) or 6 (32-bit floats)."""
    numbers = list(values)
    return struct.pack(f"<IIQ{len(numbers)}{_CODES[kind]}", _ARRAY, kind, len(numbers), *numbers)


def packed_strings(values: Iterable[bytes]) -> bytes:
    strings = list(values)
    return struct.pack("<IIQ", _ARRAY, _STRING, len(strings)) + b"".join(map(pack_text, strings))


def _head(pairs: list[bytes], parts: list[Rows | Tensor], alignment: int) -> bytes:
    infos, offset = [], 0
    for part in parts:
        tensor = part.tensor if isinstance(part, Rows) else part
        shape = struct.pack(f"<I{len(part.shape)}Q", len(part.shape), *part.shape)
        infos.append(pack_text(tensor.name.encode()) + shape + struct.pack("<IQ", tensor.kind, offset))
        offset += _padded(part.size, alignment)
    head = b"GGUF" + struct.pack("<IQQ", _VERSION, len(parts), len(pairs)) + b"".join(pairs + infos)
    return head.ljust(_padded(len(head), alignment), b"\0")


def _chunks(
    part: Rows | Tensor, seek: Callable[[int], int], read: Callable[[int], bytes], path: Path
) -> Iterator[bytes]:
    if isinstance(part, Tensor):
        seek(part.start)
        left = part.size
        while left:
            chunk = read(min(left, _CHUNK))
            if not chunk:
                raise OSError(0, "it became shorter meanwhile", str(path))
            left -= len(chunk)
            yield chunk
        return
    # Quantized rows are whole blocks, so rows can be taken without knowing the type.
    row = part.tensor.size // part.tensor.shape[-1]
    shape = (part.tensor.shape[-1], row)
    table = np.memmap(path, np.uint8, "r", part.tensor.start, shape)
    step = max(1, _CHUNK // row)
    for begin in range(0, len(part.kept), step):
        yield table[part.kept[begin : begin + step]].tobytes()


def _padded(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment
