"""A checkpoint's tokens as bytes: encoding, token healing, and the tokens of fill-in-the-middle."""

from __future__ import annotations

import ctypes
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from rung.models.protocol import Prompt

_SPACE = " \t\r\n"
_REMEMBERED = 64
# A prompt that is too long is cut in steps of this share of its room, so that the cut, and with it the key-value cache,
# stays where it is over many keystrokes.
_CUT_STEPS = 4


@dataclass(frozen=True, slots=True)
class Encoded:
    """tokens: never empty. healed: bytes cut from the prompt's end, which the generation must begin with."""

    tokens: list[int]
    healed: bytes


class Vocabulary:
    """The tokenizer of a loaded llama.cpp model."""

    def __init__(self, model: llama_cpp.llama_model_p) -> None:
        vocab = llama_cpp.llama_model_get_vocab(model)
        if vocab is None:
            raise ValueError("the checkpoint has no vocabulary")
        self._vocab = vocab
        self.size: int = llama_cpp.llama_vocab_n_tokens(vocab)
        self.pieces = self._all_pieces()
        is_eog, is_control = llama_cpp.llama_vocab_is_eog, llama_cpp.llama_vocab_is_control
        self.ends = frozenset(token for token in range(self.size) if is_eog(vocab, token) or is_control(vocab, token))
        self._fim = (
            llama_cpp.llama_vocab_fim_pre(vocab),
            llama_cpp.llama_vocab_fim_suf(vocab),
            llama_cpp.llama_vocab_fim_mid(vocab),
        )
        printable = [token for token in range(self.size) if self.pieces[token] and token not in self.ends]
        printable.sort(key=self.pieces.__getitem__)
        self._sorted = np.array(printable, dtype=np.int64)
        self._sorted_pieces = [self.pieces[token] for token in printable]
        self._longest_piece = max(map(len, self._sorted_pieces), default=0)
        self._compatible: dict[bytes, NDArray[np.int64]] = {}

    @property
    def fills_middle(self) -> bool:
        return all(token >= 0 for token in self._fim)

    def encode(self, prompt: Prompt, room: int) -> Encoded:
        """At most `room` tokens: what is far from the cursor goes first, and the context has half of them at most."""
        context = self.tokenize(prompt.context)[: room // 2] if prompt.context else []
        if prompt.suffix and self.fills_middle:
            return Encoded(self._around(context, prompt.prefix, prompt.suffix, room), b"")
        return self._before(context, prompt.prefix, room)

    def compatible(self, healed: bytes) -> NDArray[np.int64]:
        """The tokens that begin with `healed`, and those that `healed` begins with."""
        found = self._compatible.get(healed)
        if found is None:
            if len(self._compatible) >= _REMEMBERED:
                self._compatible.clear()
            found = self._compatible[healed] = self._find_compatible(healed)
        return found

    def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """Tokens of `text` as the checkpoint's tokenizer cuts it; text that looks like a special token stays text."""
        raw = text.encode("utf-8", "surrogatepass")
        room = len(raw) + 8
        buffer = (llama_cpp.llama_token * room)()
        count = llama_cpp.llama_tokenize(self._vocab, raw, len(raw), buffer, room, special, False)
        if count < 0:
            raise ValueError(f"the tokenizer refused a text of {len(raw)} bytes")
        return list(buffer[:count])

    def _find_compatible(self, healed: bytes) -> NDArray[np.int64]:
        pieces = self._sorted_pieces
        low = bisect_left(pieces, healed)
        parts = [self._sorted[low : bisect_left(pieces, healed + b"\xff" * self._longest_piece)]]
        for length in range(1, len(healed)):
            part = healed[:length]
            parts.append(self._sorted[bisect_left(pieces, part) : bisect_right(pieces, part)])
        return np.concatenate(parts)

    def _before(self, context: list[int], prefix: str, room: int) -> Encoded:
        # A tokenizer would seldom end a token at the cursor: blanks join the word that follows, a word goes on.
        kept = prefix.rstrip(_SPACE)
        tokens = self.tokenize(kept) if kept else []
        healed = prefix[len(kept) :].encode("utf-8", "surrogatepass")
        if not healed and len(tokens) > 1:
            healed = self.pieces[tokens.pop()]
        begin = self._begin()
        return Encoded([*begin, *context, *_last(tokens, room - len(begin) - len(context))], healed)

    def _around(self, context: list[int], prefix: str, suffix: str, room: int) -> list[int]:
        before, after = self.tokenize(prefix), self.tokenize(suffix)
        begin = self._begin() if llama_cpp.llama_vocab_get_add_bos(self._vocab) else []
        room -= len(begin) + len(self._fim) + len(context)
        after = after[: max(room // 3, room - len(before))]
        before = _last(before, max(room - len(after), 1))
        pre, suf, mid = self._fim
        return [*begin, pre, *context, *before, suf, *after, mid]

    def _begin(self) -> list[int]:
        # Without a token to begin with there are no logits to sample from; the end token also begins documents.
        for token in (llama_cpp.llama_vocab_bos(self._vocab), llama_cpp.llama_vocab_eos(self._vocab)):
            if token >= 0:
                return [token]
        return self.tokenize("\n")

    def _all_pieces(self) -> list[bytes]:
        buffer = ctypes.create_string_buffer(64)
        pieces = []
        for token in range(self.size):
            length = llama_cpp.llama_token_to_piece(self._vocab, token, buffer, 64, 0, False)
            if length < 0:
                longer = ctypes.create_string_buffer(-length)
                length = llama_cpp.llama_token_to_piece(self._vocab, token, longer, -length, 0, False)
                pieces.append(longer.raw[: max(length, 0)])
            else:
                pieces.append(buffer.raw[:length])
        return pieces


def _last(tokens: list[int], room: int) -> list[int]:
    """At most `room` of them."""
    if len(tokens) <= room:
        return tokens
    step = max(room // _CUT_STEPS, 1)
    return tokens[-(-(len(tokens) - room) // step) * step :]
