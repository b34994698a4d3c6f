"""Small models of real architectures with random weights, and a tokenizer of bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from rung.models.server.asked import Asked, Counted, Ended, Piece, Scored
from rung.models.server.engine import Engine
from rung.models.server.forward import Forward
from rung.models.server.loading import EngineOptions
from rung.models.server.vocabulary import Vocabulary

CONTEXT = 512
_SIZES = {
    "vocab_size": 260,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": CONTEXT,
    "eos_token_id": 256,
    "initializer_range": 0.3,  # wide: else every token follows every other
}


def llama() -> PreTrainedModel:
    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(**_SIZES)).eval()


def qwen() -> PreTrainedModel:
    torch.manual_seed(0)
    return Qwen3ForCausalLM(Qwen3Config(**_SIZES)).eval()


def gemma() -> PreTrainedModel:
    """Three of its layers look 16 tokens back."""
    torch.manual_seed(0)
    layer_types = ["sliding_attention", "sliding_attention", "full_attention", "sliding_attention"]
    config = Gemma3TextConfig(
        **_SIZES, sliding_window=16, layer_types=layer_types, query_pre_attn_scalar=8, final_logit_softcapping=30.0
    )
    return Gemma3ForCausalLM(config).eval()


ARCHITECTURES: dict[str, Callable[[], PreTrainedModel]] = {"llama": llama, "qwen": qwen, "gemma": gemma}


def tokenizer() -> PreTrainedTokenizerFast:
    """A token is a byte, so a character may be several; 256 ends a text, 257 to 259 are for fill-in-the-middle."""
    letters = {letter: number for number, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    made = Tokenizer(models.BPE(vocab=letters, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(["<eos>", "<fim_prefix>", "<fim_suffix>", "<fim_middle>"])
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<eos>")


@dataclass
class Answer:
    """Of one request, put together."""

    texts: dict[int, str] = field(default_factory=dict)
    tokens: dict[int, list[Scored]] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)
    counted: Counted | None = None

    @property
    def text(self) -> str:
        return self.texts.get(0, "")

    def add(self, event: Piece | Ended | Counted) -> None:
        match event:
            case Piece(index, text, tokens):
                assert index not in self.reasons
                self.texts[index] = self.texts.get(index, "") + text
                self.tokens.setdefault(index, []).extend(tokens)
            case Ended(index, reason):
                assert index not in self.reasons
                self.reasons[index] = reason
            case Counted():
                assert self.counted is None
                self.counted = event


async def ask(engine: Engine, asked: Asked) -> Answer:
    answer = Answer()
    async for event in engine.answer(asked):
        answer.add(event)
    assert answer.counted is not None
    assert set(answer.reasons) == set(range(asked.n))
    return answer


@asynccontextmanager
async def started(forward: Forward, vocabulary: Vocabulary, **options: int) -> AsyncIterator[Engine]:
    """An engine, closed afterwards. options: of it, where they matter."""
    engine = Engine("made", forward, vocabulary, **{**OPTIONS, **options})
    try:
        yield engine
    finally:
        await engine.close(grace=5)


LOADED = EngineOptions(
    checkpoint="",
    device="cpu",
    dtype="float32",
    context=None,
    batch=4,
    waiting=4,
    keep_tokens=4096,
    exits=None,
    threads=None,
    name=None,
)
OPTIONS = {"context": CONTEXT, "batch": 4, "waiting": 8, "keep_tokens": 2048}
