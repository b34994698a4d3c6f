"""Reads what rung needs from a GGUF header, without loading the model.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Own code, because the `gguf` package
builds an object for every token (11 s for a vocabulary of 262,144) and trusts what it reads.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from rung.models.catalogue.entry import Fim
from rung.models.catalogue.errors import InvalidCheckpoint
from rung.models.catalogue.gguf_values import Damaged, Reader, StringArray

MAX_HEADER_BYTES = 64 << 20

_MAX_PAIRS = 1 << 16
_MAX_TENSORS = 1 << 20
_DEFAULT_ALIGNMENT = 32

# Elements per block and bytes per block of a tensor's type (ggml.h, enum ggml_type).
BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110),
    22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8),
    29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip

# Where a file does not name its tokens by id, llama.cpp finds them by these texts (llama-vocab.cpp).
KNOWN_FIM = (
    Fim("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),
    Fim("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
    Fim("<fim-prefix>", "<fim-suffix>", "<fim-middle>"),
    Fim("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
    Fim("<PRE>", "<SUF>", "<MID>"),
    Fim("▁<PRE>", "▁<SUF>", "▁<MID>"),
)


@dataclass(frozen=True, slots=True)
class Header:
    """Of a GGUF language model. title, licence: "" where the file names none. context: tokens."""

    title: str
    architecture: str
    licence: str
    context: int
    parameters: int
    fim: Fim | None


def read_header(path: Path) -> Header:
    """The header of the file at `path`, and whether the file is long enough for its tensors.

    Raises InvalidCheckpoint where it is not a GGUF language model, and OSError.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(MAX_HEADER_BYTES)
    try:
        return _header(head, size)
    except Damaged as error:
        raise InvalidCheckpoint(f"{path} is no usable GGUF checkpoint: {error}.") from None


def _header(head: bytes, size: int) -> Header:
    if head[:4] != b"GGUF":
        raise Damaged("it does not begin with the letters GGUF")
    reader = Reader(head, 4, whole=size <= len(head))
    version = reader.u32()
    if version not in (2, 3):
        raise Damaged(f"rung reads versions 2 and 3 of the format, little-endian, and this says {version}")
    tensors, pairs = reader.u64(), reader.u64()
    if pairs > _MAX_PAIRS or tensors > _MAX_TENSORS:
        raise Damaged(f"its header announces {pairs} values and {tensors} tensors")
    values = dict(reader.pair() for _ in range(pairs))
    parameters = _check_tensors(reader, tensors, _integer(values, "general.alignment") or _DEFAULT_ALIGNMENT, size)
    architecture = _text(values, "general.architecture")
    context = _integer(values, f"{architecture}.context_length")
    if not context:
        raise Damaged("it names no context length, so it is not a language model")
    return Header(
        title=_text(values, "general.name"),
        architecture=architecture,
        licence=_text(values, "general.license"),
        context=context,
        parameters=parameters,
        fim=_fim(values, reader),
    )


def _check_tensors(reader: Reader, count: int, alignment: int, size: int) -> int:
    """How many elements the tensors have together."""
    elements, end = 0, 0
    for _ in range(count):
        reader.text()
        dimensions = reader.u32()
        if dimensions > 8:
            raise Damaged(f"a tensor has {dimensions} dimensions")
        shape = 1
        for _ in range(dimensions):
            shape *= reader.u64()
        block, bytes_per_block = BLOCKS.get(reader.u32(), (1, 0))
        end = max(end, reader.u64() + shape // block * bytes_per_block)
        elements += shape
    data = -(-reader.position // alignment) * alignment
    if count and data + end > size:
        raise Damaged(f"its tensors need {data + end} bytes and it has {size}: it was cut off")
    return elements


def _fim(values: dict[str, object], reader: Reader) -> Fim | None:
    tokens = values.get("tokenizer.ggml.tokens")
    if not isinstance(tokens, StringArray):
        return None
    ids = [
        _integer(values, f"tokenizer.ggml.fim_{short}_token_id") or _integer(values, f"tokenizer.ggml.{long}_token_id")
        for short, long in (("pre", "prefix"), ("suf", "suffix"), ("mid", "middle"))
    ]
    if all(0 < token < tokens.count for token in ids):
        return Fim(*(reader.items(tokens, {token})[token] for token in ids))
    known = {text.encode() for fim in KNOWN_FIM for text in (fim.prefix, fim.suffix, fim.middle)}
    there = reader.found(tokens, known)
    return next((fim for fim in KNOWN_FIM if {fim.prefix, fim.suffix, fim.middle} <= there), None)


def _text(values: dict[str, object], key: str) -> str:
    """What can be shown in a terminal: a file's text may hold control sequences."""
    value = values.get(key, "")
    if not isinstance(value, str):
        return ""
    return " ".join("".join(c if c.isprintable() else " " for c in value).split())[:120]


def _integer(values: dict[str, object], key: str) -> int:
    value = values.get(key, 0)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
