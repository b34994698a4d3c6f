"""The values of a GGUF header, read from bytes that nobody vouches for."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")
_STRING, _ARRAY = 8, 9
_SCALARS = {
    kind: struct.Struct("<" + code)
    for kind, code in {
        0: "B",
        1: "b",
        2: "H",
        3: "h",
        4: "I",
        5: "i",
        6: "f",
        7: "?",
        10: "Q",
        11: "q",
        12: "d",
    }.items()
}
_MAX_NESTING = 4


class Damaged(Exception):
    """The bytes are not the format; `str(error)` says where, without a full stop."""


@dataclass(frozen=True, slots=True)
class StringArray:
    """An array of strings, left where it lies. position: of its first string's length."""

    position: int
    count: int


@dataclass(frozen=True, slots=True)
class NumberArray:
    """An array of numbers or truth values, left where it lies. kind: GGUF's number of the type."""

    kind: int
    position: int
    count: int


class Reader:
    """Reads values one after another. whole: the bytes are the whole file, not only its beginning."""

    def __init__(self, data: bytes, position: int, *, whole: bool) -> None:
        self.position = position
        self._data = data
        self._whole = whole

    def u32(self) -> int:
        return int(_U32.unpack_from(self._data, self._skip(4))[0])

    def u64(self) -> int:
        return int(_U64.unpack_from(self._data, self._skip(8))[0])

    def text(self) -> str:
        length = self.u64()
        start = self._skip(length)
        return self._data[start : start + length].decode("utf-8", "replace")

    def pair(self) -> tuple[str, object]:
        """A key and its value; arrays are skipped and remembered, but those of arrays."""
        key = self.text()
        return key, self._value(self.u32(), 0)

    def items(self, array: StringArray, wanted: set[int]) -> dict[int, str]:
        """The strings at these places of `array`."""
        return {
            index: self._data[start : start + length].decode("utf-8", "replace")
            for index, (start, length) in enumerate(self._strings(array))
            if index in wanted
        }

    def strings(self, array: StringArray) -> list[bytes]:
        """All strings of `array`, as they are."""
        return [self._data[start : start + length] for start, length in self._strings(array)]

    def numbers(self, array: NumberArray) -> tuple[float, ...]:
        """All numbers of `array`."""
        code = _SCALARS[array.kind].format.removeprefix("<")
        return struct.unpack_from(f"<{array.count}{code}", self._data, array.position)

    def found(self, array: StringArray, texts: set[bytes]) -> set[str]:
        """Those of `texts` that are in `array`."""
        lengths = {len(text) for text in texts}
        candidates = (self._data[start : start + n] for start, n in self._strings(array) if n in lengths)
        return {text.decode() for text in candidates if text in texts}

    def _value(self, kind: int, nesting: int) -> object:
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            return self._array(nesting)
        scalar = _SCALARS.get(kind)
        if scalar is None:
            raise Damaged(f"its header has a value of the unknown kind {kind}")
        return scalar.unpack_from(self._data, self._skip(scalar.size))[0]

    def _array(self, nesting: int) -> StringArray | NumberArray | None:
        if nesting == _MAX_NESTING:
            raise Damaged("its header nests arrays too deeply")
        kind, count = self.u32(), self.u64()
        if kind == _STRING:
            array = StringArray(self.position, count)
            for start, length in self._strings(array):
                self.position = start + length
            return array
        if kind in _SCALARS:
            return NumberArray(kind, self._skip(count * _SCALARS[kind].size), count)
        if kind != _ARRAY:
            raise Damaged(f"its header has an array of the unknown kind {kind}")
        for _ in range(count):
            self._array(nesting + 1)
        return None

    def _strings(self, array: StringArray) -> Iterator[tuple[int, int]]:
        """Where each string begins, and its length in bytes."""
        position, end, unpack = array.position, len(self._data), _U64.unpack_from
        for _ in range(array.count):
            if position + 8 > end:
                raise self._short()
            length = unpack(self._data, position)[0]
            position += 8
            if position + length > end:
                raise self._short()
            yield position, length
            position += length

    def _skip(self, count: int) -> int:
        """The position before `count` bytes that are there."""
        start = self.position
        if start + count > len(self._data):
            raise self._short()
        self.position = start + count
        return start

    def _short(self) -> Damaged:
        if self._whole:
            return Damaged("it ends within its header")
        return Damaged(f"its header is longer than {len(self._data)} bytes")
