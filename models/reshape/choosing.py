"""Which tokens a trimmed vocabulary keeps."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from rung.models.reshape.errors import ReshapeFailed
from rung.models.reshape.tokenizer import Steps, Tokenizer

ROWS = 64
"""A vocabulary is filled to a multiple of this: matrix kernels work on several rows at once."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """tokens: how many to keep, the most frequent ones first; or min_count: keep those seen at least so often.

    all_characters: keep also the characters that the corpus does not have.
    """

    tokens: int | None = None
    min_count: int | None = None
    all_characters: bool = True


def choose(tokenizer: Tokenizer, counts: Mapping[int, int], seen: Collection[str], wanted: Wanted) -> list[int]:
    """The kept tokens, ascending. counts: how often the corpus has each. seen: the characters that it has.

    Always kept: special tokens, bytes, characters, and what is made on the way to a kept token.
    Raises ReshapeFailed where `wanted` is too few for these, or all that there are.
    """
    steps = Steps(tokenizer)
    kept = {*tokenizer.special(), *tokenizer.byte_tokens()}
    for token, character in tokenizer.characters():
        if wanted.all_characters or character in seen:
            kept |= steps.to(token)
    frequent = sorted((token for token in counts if counts[token] > 0), key=lambda token: (-counts[token], token))
    if wanted.min_count is not None:
        for token in frequent:
            if counts[token] >= wanted.min_count:
                kept |= steps.to(token)
        size = min(rounded(len(kept)), len(tokenizer.texts))
    else:
        size = _size(wanted.tokens or 0, len(kept), tokenizer, wanted.all_characters)
        _fill(kept, frequent, size, steps)
    _fill(kept, tokenizer.by_rank(), size, steps)
    _fill(kept, range(len(tokenizer.texts)), size, steps)
    if len(kept) == len(tokenizer.texts):
        raise ReshapeFailed(f"All of its {len(kept):,} tokens would be kept: ask for fewer.")
    return sorted(kept)


def rounded(count: int) -> int:
    """Up to a multiple of ROWS."""
    return -(-count // ROWS) * ROWS


def _size(asked: int, needed: int, tokenizer: Tokenizer, all_characters: bool) -> int:
    there = len(tokenizer.texts)
    if asked >= there:
        raise ReshapeFailed(f"It has {there:,} tokens, so {asked:,} of them is no trimming: ask for fewer.")
    size = min(rounded(asked), there)
    if size < needed:
        seen = ", or `--characters seen` to leave out the characters that the corpus does not have"
        raise ReshapeFailed(
            f"{asked:,} tokens are too few: special tokens, bytes and characters alone are {needed:,}; ask for more"
            f"{seen if all_characters else ''}."
        )
    return size


def _fill(kept: set[int], candidates: Iterable[int], size: int, steps: Steps) -> None:
    """Up to `size`; a token whose way needs more than there is room for is left out."""
    for token in candidates:
        if len(kept) >= size:
            return
        if token not in kept:
            new = steps.to(token) - kept
            if len(kept) + len(new) <= size:
                kept |= new
