"""Made for the tests of `rung.models.reshape`: tiny checkpoints that llama.cpp loads, written by the `gguf` package."""

from __future__ import annotations

import ctypes
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import gguf
import llama_cpp
import numpy as np
from gguf.constants import GGMLQuantizationType

from rung.models.reshape.tokenizer import LETTERS

WIDTH = 32
CODE = '''
def first(items, default=None):
    """Return the first of the items, or the default where there is none."""
    for item in items:
        return item
    return default

class Größe(Exception):
    def __init__(self, value, message="größer als erwartet"):
        super().__init__(message)
        self.value = value  # naïve: 日本語

import os, sys
if __name__ == "__main__":
    print(first(sys.argv[1:], default=os.environ.get("HOME")))
'''
RARE = (
    "zebra quixotic zephyr wyvern xylophone zeppelin quorum jukebox vexed waltz buzzard puzzling kayak vortex fjord "
    "gazebo hyacinth ivory jackdaw khaki llama mazurka nymph oxygen pyjama rhythm sphinx topaz unzip vixen whisky yolk"
)
SPECIAL = ("<unk>", "<s>", "</s>")
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6


def sentencepiece(path: Path, *, untied: bool = False, pairs: dict[str, Any] | None = None, drop: str = "") -> Path:
    """Kind "llama": special tokens, bytes, two of a user, characters, joined ones. pairs: further values."""
    words = [f"▁{word}" for word in f"{CODE} {RARE} {RARE}".split()]
    joined, _ = _train(words, 600)
    characters = sorted({c for word in words for c in word} | set("äπ語🦜"))
    tokens = [*SPECIAL, "<unused0>", "<unused1>", *(f"<0x{byte:02X}>" for byte in range(256)), "\n", "\t\t"]
    types = [UNKNOWN, CONTROL, CONTROL, CONTROL, CONTROL, *[BYTE] * 256, USER_DEFINED, USER_DEFINED]
    ordinary = [*joined, *characters]
    scores = [-1000.0] * len(tokens) + [-float(rank) for rank in range(len(ordinary))]
    types += [NORMAL] * len(ordinary)
    values = {"tokenizer.ggml.scores": scores, "tokenizer.ggml.add_space_prefix": False, **(pairs or {})}
    return _write(path, "llama", [*tokens, *ordinary], types, values, untied, drop)


def byte_pair(path: Path, *, untied: bool = False, pairs: dict[str, Any] | None = None, drop: str = "") -> Path:
    """Kind "gpt2"."""
    words = ["".join(LETTERS[byte] for byte in f" {word}".encode()) for word in f"{CODE} {RARE} {RARE}".split()]
    joined, merges = _train(words, 600)
    tokens = ["<|endoftext|>", "<|fim_prefix|>", "<unused7>", "<unused8>", *LETTERS, *joined]
    types = [CONTROL] * 4 + [NORMAL] * (len(tokens) - 4)
    values = {
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.merges": [f"{a} {b}" for a, b in merges],
        "tokenizer.ggml.bos_token_id": 0,
        "tokenizer.ggml.eos_token_id": 0,
        "tokenizer.ggml.fim_pre_token_id": 1,
        **(pairs or {}),
    }
    return _write(path, "gpt2", tokens, types, values, untied, drop)


class Cutter:
    """llama.cpp's tokenizer of a file, in this process."""

    def __init__(self, model: Any) -> None:
        self._vocab = llama_cpp.llama_model_get_vocab(model)

    def cut(self, text: str) -> list[bytes]:
        raw = text.encode()
        room = len(raw) + 8
        tokens = (llama_cpp.llama_token * room)()
        count = llama_cpp.llama_tokenize(self._vocab, raw, len(raw), tokens, room, False, False)
        assert count >= 0
        return [self._piece(token) for token in tokens[:count]]

    def _piece(self, token: int) -> bytes:
        buffer = ctypes.create_string_buffer(512)
        length = llama_cpp.llama_token_to_piece(self._vocab, token, buffer, 512, 0, True)
        return buffer.raw[:length]


@contextmanager
def cutter(path: Path) -> Iterator[Cutter]:
    parameters = llama_cpp.llama_model_default_params()
    parameters.vocab_only = True
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
    assert model
    yield Cutter(model)
    llama_cpp.llama_model_free(model)


def logits_after(path: Path, tokens: list[int]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Of the last of `tokens`, as llama.cpp evaluates the checkpoint."""
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), llama_cpp.llama_model_default_params())
    parameters = llama_cpp.llama_context_default_params()
    parameters.n_ctx, parameters.n_threads, parameters.n_threads_batch = 64, 1, 1
    context = llama_cpp.llama_init_from_model(model, parameters)
    array = (llama_cpp.llama_token * len(tokens))(*tokens)  # the batch only points to it
    assert llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(array, len(tokens))) == 0
    size = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
    row = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(context, -1), shape=(size,)).copy()
    llama_cpp.llama_free(context)
    llama_cpp.llama_model_free(model)
    return row


def _train(words: list[str], count: int) -> tuple[list[str], list[tuple[str, str]]]:
    """Byte-pair encoding (Sennrich et al. 2016): joined tokens and the pairs that made them, in order."""
    parts, joined, merges = [list(word) for word in words], [], []
    for _ in range(count):
        pairs = Counter(pair for part in parts for pair in pairwise(part))
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        if "".join(best) not in joined:
            joined.append("".join(best))
        for part in parts:
            at = 0
            while at + 1 < len(part):
                if (part[at], part[at + 1]) == best:
                    part[at : at + 2] = ["".join(best)]
                at += 1
    return joined, merges


def _write(
    path: Path, kind: str, tokens: list[str], types: list[int], values: dict[str, Any], untied: bool, drop: str
) -> Path:
    """drop: a key that is left out."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("Tiny")
    writer.add_license("mit")
    for key, value in {
        "context_length": 256, "embedding_length": WIDTH, "block_count": 1, "feed_forward_length": WIDTH,
        "attention.head_count": 2, "vocab_size": len(tokens), "rope.dimension_count": WIDTH // 2,
    }.items():  # fmt: skip
        writer.add_uint32(f"llama.{key}", value)
    writer.add_float32("llama.attention.layer_norm_rms_epsilon", 1e-5)
    everything = {
        "tokenizer.ggml.model": kind,
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": types,
        **values,
    }
    for key, value in everything.items():
        if key == drop:
            continue
        if isinstance(value, list):
            writer.add_array(key, value)
        elif isinstance(value, bool):
            writer.add_bool(key, value)
        elif isinstance(value, int):
            writer.add_uint32(key, value)
        else:
            writer.add_string(key, value)
    random = np.random.default_rng(0)
    table = lambda rows: random.normal(0, 0.5, (rows, WIDTH)).astype(np.float32)  # noqa: E731
    quantized = gguf.quants.quantize(table(len(tokens)), GGMLQuantizationType.Q8_0)
    writer.add_tensor("token_embd.weight", quantized, raw_dtype=GGMLQuantizationType.Q8_0)
    if untied:
        writer.add_tensor("output.weight", table(len(tokens)).astype(np.float16))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        writer.add_tensor(f"blk.0.{name}.weight", table(WIDTH))
    for name in ("blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
