"""The values of a header that a trimmed vocabulary changes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rung.models.catalogue.gguf_values import NumberArray, StringArray
from rung.models.reshape.errors import ReshapeFailed
from rung.models.reshape.layout import Layout
from rung.models.reshape.tokenizer import Tokenizer
from rung.models.reshape.writing import packed_integer, packed_numbers, packed_strings

_MERGES = "tokenizer.ggml.merges"
_TOKEN_LISTS = re.compile(r"tokenizer\.ggml\.(.*_token_ids|suppress_tokens)")
# Other descriptions of the whole vocabulary, which no llama.cpp reads.
_COPIES = ("tokenizer.huggingface.json", "tokenizer.rwkv.world")


def values_for(layout: Layout, tokenizer: Tokenizer, kept: Sequence[int]) -> dict[str, bytes | None]:
    """Packed values by key, as `write` takes them. kept: ascending. Raises ReshapeFailed."""
    new = {token: number for number, token in enumerate(kept)}
    values: dict[str, bytes | None] = {key: None for key in _COPIES if key in layout.pairs}
    for key, pair in layout.pairs.items():
        if key == _MERGES:
            values[key] = _merges(tokenizer, kept)
        elif isinstance(pair.value, StringArray | NumberArray) and key.startswith("tokenizer."):
            changed = _array(layout, key, pair.value, len(tokenizer.texts), new)
            if changed is not None:
                values[key] = changed
    for name, token in tokenizer.ids.items():
        values[f"tokenizer.ggml.{name}_token_id"] = packed_integer(new[token])
    vocab_size = f"{layout.text('general.architecture')}.vocab_size"
    if vocab_size in layout.pairs:
        values[vocab_size] = packed_integer(len(kept))
    return values


def _array(
    layout: Layout, key: str, array: StringArray | NumberArray, tokens: int, new: dict[int, int]
) -> bytes | None:
    """None where it stays as it is."""
    if isinstance(array, StringArray):
        strings = layout.strings(key) or []
        return packed_strings(strings[token] for token in new) if array.count == tokens else None
    numbers = layout.numbers(key) or ()
    if array.count == tokens and array.kind in (5, 6):
        return packed_numbers((numbers[token] for token in new), array.kind)
    if _TOKEN_LISTS.fullmatch(key):
        return packed_numbers((new[int(token)] for token in numbers if int(token) in new), 5)
    if array.count == tokens:
        raise ReshapeFailed(f"{layout.path.name} has {key} in a form that rung does not know: it cannot be trimmed.")
    return None


def _merges(tokenizer: Tokenizer, kept: Sequence[int]) -> bytes:
    """Those that lead from kept tokens to kept ones, in their order."""
    texts = {tokenizer.texts[token] for token in kept}
    return packed_strings(
        f"{a} {b}".encode("utf-8", "surrogateescape")
        for a, b in tokenizer.merges
        if a in texts and b in texts and a + b in texts
    )
