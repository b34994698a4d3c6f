"""A checkpoint's tokenizer as its file describes it, and which tokens it makes on the way to another.

Both kinds join neighbours until no pair can be joined, the best pair first and the leftmost of equals. Whatever stands
beside a token never joined it, so the pairs within it were joined as if it stood alone. Therefore: if a vocabulary
keeps, with each token, all those that are made on the way to it alone, then every text whose tokens are all kept
is cut exactly as before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from rung.models.catalogue.header import KNOWN_FIM
from rung.models.reshape.errors import ReshapeFailed
from rung.models.reshape.layout import Layout

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)  # llama.h, enum llama_token_type

Kind = Literal["llama", "gpt2"]

_PREFIX = "tokenizer.ggml."
# What llama.cpp takes for the beginning, the end and the unknown where the file names none (llama-vocab.cpp).
_DEFAULTS: dict[Kind, dict[str, int]] = {
    "llama": {"bos": 1, "eos": 2, "unknown": 0},
    "gpt2": {"bos": 11, "eos": 11},
}
_ID = re.compile(r"tokenizer\.ggml\.(.+)_token_id")
# Room for tokens that were never trained.
_PLACEHOLDER = re.compile(r"\W*(unused|reserved|pad)\D*\d+\W*|.*_(reserved|unused)\D*\d+\W*", re.IGNORECASE)
_LOOKS_SPECIAL = re.compile(r"<[|｜].+[|｜]>")
_FIM_TEXTS = {text for fim in KNOWN_FIM for text in (fim.prefix, fim.suffix, fim.middle)}


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """texts, types, scores: by token; scores only of the kind "llama", merges only of "gpt2", best first.

    ids: of the tokens that the file, or llama.cpp in its place, names: "bos", "fim_pre", …
    """

    kind: Kind
    texts: list[str]
    types: list[int]
    scores: list[float]
    merges: list[tuple[str, str]]
    ids: dict[str, int]

    def special(self) -> list[int]:
        """Tokens that stand for no text of their own, but those that only hold a place; and those added by a user."""
        named = set(self.ids.values())
        return [
            token
            for token, (text, kind) in enumerate(zip(self.texts, self.types, strict=True))
            if token in named
            or (kind in (UNKNOWN, CONTROL, USER_DEFINED) and not _PLACEHOLDER.fullmatch(text))
            or (kind == NORMAL and (text in _FIM_TEXTS or _LOOKS_SPECIAL.fullmatch(text)))
        ]

    def byte_tokens(self) -> list[int]:
        """With them any text can be written. Raises ReshapeFailed where they are missing."""
        if self.kind == "llama":
            found = [token for token, kind in enumerate(self.types) if kind == BYTE]
            missing = {f"<0x{byte:02X}>" for byte in range(256)} - {self.texts[token] for token in found}
        else:
            alphabet = {text: token for token, text in enumerate(self.texts) if text in BYTE_OF}
            found = list(alphabet.values())
            missing = {LETTERS[byte] for byte in range(32, 127)} - alphabet.keys()
        if missing:
            raise ReshapeFailed(
                "Its vocabulary has no tokens for single bytes, so what is not in a trimmed one could not be written: "
                "only checkpoints with byte tokens can be trimmed."
            )
        return found

    def characters(self) -> list[tuple[int, str]]:
        """Tokens of one character, and which."""
        shown = ((token, self._shown(self.texts[token])) for token, kind in enumerate(self.types) if kind == NORMAL)
        return [(token, text) for token, text in shown if len(text) == 1]

    def by_rank(self) -> list[int]:
        """Ordinary tokens, those that were joined first in training first: they are frequent in all kinds of text."""
        if self.kind == "llama":
            ordinary = [token for token, kind in enumerate(self.types) if kind == NORMAL]
            return sorted(ordinary, key=lambda token: -self.scores[token])
        number = {text: token for token, text in enumerate(self.texts)}
        return [number[a + b] for a, b in self.merges if a + b in number]

    def _shown(self, text: str) -> str:
        if self.kind == "llama":
            return text.replace("▁", " ")
        try:
            return bytes(BYTE_OF[letter] for letter in text).decode()
        except (KeyError, UnicodeDecodeError):
            return ""


class Steps:
    """Finds what is made on the way to a token."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._number = {text: token for token, text in enumerate(tokenizer.texts)}
        self._kind = tokenizer.kind
        self._scores = tokenizer.scores
        self._texts = tokenizer.texts
        # Of a pair that is listed twice the last counts, as in llama.cpp.
        self._ranks = {pair: rank for rank, pair in enumerate(tokenizer.merges)}

    def to(self, token: int) -> set[int]:
        """The token, and those that joining its characters makes."""
        made = {token}
        parts = list(self._texts[token])
        made.update(self._number[part] for part in parts if part in self._number)
        while (at := self._best(parts)) is not None:
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
            if parts[at] in self._number:
                made.add(self._number[parts[at]])
        return made

    def _best(self, parts: list[str]) -> int | None:
        """Which pair is joined next, by the place of its left part."""
        worths = ((self._worth(a, b), at) for at, (a, b) in enumerate(pairwise(parts)))
        best = min(((worth, at) for worth, at in worths if worth is not None), default=None)
        return best[1] if best else None

    def _worth(self, left: str, right: str) -> float | None:
        """Smaller is better; None cannot be joined."""
        if self._kind == "gpt2":
            return self._ranks.get((left, right))
        token = self._number.get(left + right)
        return None if token is None else -self._scores[token]


def tokenizer_of(layout: Layout) -> Tokenizer:
    """Raises ReshapeFailed where it is of a kind that cannot be trimmed, or is inconsistent."""
    name = layout.text(f"{_PREFIX}model")
    kind: Kind | None = "llama" if name == "llama" else "gpt2" if name == "gpt2" else None
    if kind is None:
        said = f"of the kind {name[:40]!r}" if name else "not named"
        raise ReshapeFailed(
            f"The tokenizer of {layout.path.name} is {said}: rung can trim byte-pair and SentencePiece vocabularies "
            "only (gpt2, llama)."
        )
    raw = layout.strings(f"{_PREFIX}tokens") or []
    texts = [text.decode("utf-8", "surrogateescape") for text in raw]
    types = [int(number) for number in layout.numbers(f"{_PREFIX}token_type") or ()] or [NORMAL] * len(texts)
    scores = list(layout.numbers(f"{_PREFIX}scores") or ()) if kind == "llama" else []
    merges = list(_merges(layout.strings(f"{_PREFIX}merges") or [])) if kind == "gpt2" else []
    whole = len(types) == len(texts) and (len(scores) == len(texts) if kind == "llama" else bool(merges))
    if not texts or not whole or any(score != score for score in scores):
        raise ReshapeFailed(f"The tokenizer of {layout.path.name} is incomplete: it cannot be trimmed.")
    return Tokenizer(kind, texts, types, scores, merges, _ids(layout, kind, len(texts)))


def _merges(raw: list[bytes]) -> Iterator[tuple[str, str]]:
    for line in raw:
        text = line.decode("utf-8", "surrogateescape")
        cut = text.find(" ", 1)
        if cut > 0:
            yield text[:cut], text[cut + 1 :]


def _ids(layout: Layout, kind: Kind, size: int) -> dict[str, int]:
    named = {match[1]: layout.integer(key) for key in layout.pairs if (match := _ID.fullmatch(key))}
    ids = {name: token for name, token in named.items() if token is not None}
    return {name: token for name, token in {**_DEFAULTS[kind], **ids}.items() if 0 <= token < size}


def _letters() -> list[str]:
    """GPT-2's letter for each byte (Radford et al. 2019, `bytes_to_unicode`): printable ones stand for themselves."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


LETTERS = _letters()
BYTE_OF = {letter: byte for byte, letter in enumerate(LETTERS)}
