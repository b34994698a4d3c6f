"""A GGUF file taken apart: its values and tensors where they lie, so that what does not change is copied as it is.

Own code on the catalogue's reader: the `gguf` package takes 11 s and 0.9 GB for a vocabulary of 262,144, and has no
defence against a file that lies about its sizes. The tests read what is written here with that package.
"""

from __future__ import annotations

import math
import os
import struct
from dataclasses import dataclass
from pathlib import Path

from rung.models.catalogue.gguf_values import Damaged, NumberArray, Reader, StringArray
from rung.models.catalogue.header import BLOCKS, MAX_HEADER_BYTES, read_header
from rung.models.reshape.errors import ReshapeFailed

_ALIGNMENT = 32


@dataclass(frozen=True, slots=True)
class Pair:
    """A value of the header. raw: the bytes of key, kind and value."""

    key: str
    value: object
    raw: bytes


@dataclass(frozen=True, slots=True)
class Tensor:
    """shape: fastest dimension first, as ggml has it. kind: ggml's number of the type. start, size: in bytes."""

    name: str
    shape: tuple[int, ...]
    kind: int
    start: int
    size: int


class Layout:
    """The parts of a GGUF language model's file. Raises InvalidCheckpoint, ReshapeFailed and OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        read_header(path)  # what follows relies on its checks: magic, version, counts, lengths
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            head = file.read(MAX_HEADER_BYTES)
        try:
            self._read(head, size)
        except (Damaged, UnicodeEncodeError) as error:
            raise ReshapeFailed(f"{path} cannot be taken apart: {error}.") from None

    def text(self, key: str) -> str:
        """The value of `key`; "" where it is missing or no text."""
        value = self._value(key)
        return value if isinstance(value, str) else ""

    def integer(self, key: str) -> int | None:
        value = self._value(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def strings(self, key: str) -> list[bytes] | None:
        value = self._value(key)
        return self._reader.strings(value) if isinstance(value, StringArray) else None

    def numbers(self, key: str) -> tuple[float, ...] | None:
        value = self._value(key)
        return self._reader.numbers(value) if isinstance(value, NumberArray) else None

    def _read(self, head: bytes, size: int) -> None:
        self._reader = reader = Reader(head, 8, whole=size <= len(head))
        count, values = reader.u64(), reader.u64()
        self.pairs: dict[str, Pair] = {}
        for _ in range(values):
            start = reader.position
            key, value = reader.pair()
            self.pairs.setdefault(key, Pair(key, value, head[start : reader.position]))
        named = self.integer("general.alignment")
        self.alignment = _ALIGNMENT if named is None else named
        if self.alignment not in {1 << bit for bit in range(3, 16)}:
            raise Damaged(f"it aligns its tensors to {self.alignment} bytes")
        infos = [self._info() for _ in range(count)]
        data = -(-reader.position // self.alignment) * self.alignment
        self.tensors = [
            Tensor(n, shape, kind, data + offset, _bytes(n, shape, kind)) for n, shape, kind, offset in infos
        ]
        if len({tensor.name for tensor in self.tensors}) < count:
            raise Damaged("two of its tensors have the same name")
        if any(tensor.start + tensor.size > size for tensor in self.tensors):
            raise Damaged("a tensor reaches beyond its end")

    def _info(self) -> tuple[str, tuple[int, ...], int, int]:
        name, dimensions = self._reader.text(), self._reader.u32()
        shape = tuple(self._reader.u64() for _ in range(dimensions))
        return name, shape, self._reader.u32(), self._reader.u64()

    def _value(self, key: str) -> object:
        pair = self.pairs.get(key)
        return pair.value if pair else None


def vocabulary_size(path: Path) -> int:
    """How many tokens a checkpoint has; 0 where its file has no list of them. Raises as Layout does."""
    tokens = Layout(path).pairs.get("tokenizer.ggml.tokens")
    return tokens.value.count if tokens and isinstance(tokens.value, StringArray) else 0


def pack_text(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def _bytes(name: str, shape: tuple[int, ...], kind: int) -> int:
    if kind not in BLOCKS:
        raise Damaged(f"its tensor {name[:80]!r} has the type {kind}, which rung does not know")
    elements, size = BLOCKS[kind]
    if not shape or shape[0] % elements:
        raise Damaged(f"its tensor {name[:80]!r} has rows that are no whole blocks of its type")
    return math.prod(shape) // elements * size
