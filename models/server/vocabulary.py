"""From text to tokens and back, by a checkpoint's own tokenizer."""

from __future__ import annotations

import copy
import threading
from collections.abc import Sequence
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from rung.models.catalogue import Fim
from rung.models.catalogue.header import KNOWN_FIM
from rung.models.server.asked import Refused

# Ends of a text that checkpoints have beside the one that their configuration names.
_ENDS = (
    "<|endoftext|>",
    "<|im_end|>",
    "<|end_of_text|>",
    "<|eot_id|>",
    "<|file_sep|>",
    "<|repo_name|>",
    "<|fim_pad|>",
    "<fim_pad>",
    "<file_sep>",
    "<end_of_turn>",
    "<eos>",
    "<EOT>",
    "</s>",
)


class Vocabulary:
    """ends: tokens that end a text. fim: None where the checkpoint has no fill-in-the-middle tokens.

    longest: characters of a token, at most.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel) -> None:
        # A fast tokenizer is not for two threads at once, and a long prompt must not hold up the spelling of others.
        self._reader: Any = tokenizer
        self._speller: Any = copy.deepcopy(tokenizer)
        self._reading = threading.Lock()
        self._known: dict[str, int] = tokenizer.get_vocab()
        self.longest = max(map(len, self._known), default=1)
        self.ends = frozenset(self._ends(model))
        self.fim: Fim | None = next((fim for fim in KNOWN_FIM if self._has(fim)), None)

    def prompt(self, text: str, suffix: str) -> list[int]:
        """With the beginning that the checkpoint wants, at least a token.

        Raises Refused for a suffix without the tokens for it, and for no text where nothing marks a beginning.
        """
        if not suffix:
            tokens = self._tokens(text, special=True)
            if not tokens:
                raise Refused("The prompt is empty, and this model cannot begin from nothing.", "prompt")
            return tokens
        if self.fim is None:
            raise Refused("This model has no fill-in-the-middle tokens: leave `suffix` out.", "suffix")
        prefix, middle, end = (self._known[name] for name in (self.fim.prefix, self.fim.middle, self.fim.suffix))
        begin = self._tokens("", special=True)
        return [*begin, prefix, *self._tokens(text), end, *self._tokens(suffix), middle]

    def draft(self, text: str) -> list[int]:
        """As it goes on behind a prompt."""
        return self._tokens(text)

    def text(self, tokens: Sequence[int]) -> str:
        """Without special tokens. For one thread."""
        text: str = self._speller.decode(list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def _tokens(self, text: str, special: bool = False) -> list[int]:
        with self._reading:
            tokens: list[int] = self._reader.encode(text, add_special_tokens=special)
        return tokens

    def _has(self, fim: Fim) -> bool:
        return {fim.prefix, fim.suffix, fim.middle} <= self._known.keys()

    def _ends(self, model: PreTrainedModel) -> set[int]:
        named = getattr(model.generation_config, "eos_token_id", None)
        ends = {named} if isinstance(named, int) else set(named or ())
        if self._reader.eos_token_id is not None:
            ends.add(self._reader.eos_token_id)
        # in some vocabularies the text of one is an ordinary token: "</s>" is HTML in Gemma's
        special = {token for token, added in self._reader.added_tokens_decoder.items() if added.special}
        return ends | ({self._known[text] for text in _ENDS if text in self._known} & special)
