"""Does the llama.cpp of this environment run here? Decodes a tiny model with random weights; exit status 0 if so.

Instructions that the processor does not have, or that a virtual machine reports and forbids, kill the process in the
first decode, so scripts/install.py runs this in a process of its own. The model has one layer, and a weight of each
storage type that checkpoints commonly use, because each type has kernels of its own.
"""

from __future__ import annotations

import array
import math
import random
import struct
import sys
import tempfile
from pathlib import Path

import llama_cpp

WIDTH = 256  # the block size of the K-quants: the smallest that all types below can hold
VOCABULARY = 64
TOKENS = 33  # more than one tile of the matrix kernels, and not a multiple of it

# ggml's number of each type, values per block, bytes per block (ggml/include/ggml.h, ggml/src/ggml-common.h).
F32, F16, Q4_0, Q4_1, Q8_0, Q4_K, Q5_K, Q6_K, BF16 = 0, 1, 2, 3, 8, 12, 13, 14, 30
BLOCKS = {F32: (1, 4), F16: (1, 2), Q4_0: (32, 18), Q4_1: (32, 20), Q8_0: (32, 34)}
BLOCKS |= {Q4_K: (256, 144), Q5_K: (256, 176), Q6_K: (256, 210), BF16: (1, 2)}


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tiny.gguf"
        path.write_bytes(tiny_model())
        llama_cpp.llama_backend_init()
        print(llama_cpp.llama_print_system_info().decode())
        logits = decode(path)
    if all(math.isfinite(value) for value in logits):
        return 0
    print("The decoded numbers are not finite.", file=sys.stderr)
    return 1


def decode(path: Path) -> list[float]:
    """The logits after a prompt and one further token, so that both the matrix and the vector kernels have run."""
    model_params = llama_cpp.llama_model_default_params()
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), model_params)
    if not model:
        raise SystemExit("llama.cpp did not load the test model.")
    params = llama_cpp.llama_context_default_params()
    params.n_ctx, params.n_threads, params.n_threads_batch = 64, 2, 2
    context = llama_cpp.llama_init_from_model(model, params)
    if not context:
        raise SystemExit("llama.cpp did not make a context for the test model.")
    for count in (TOKENS, 1):
        tokens = (llama_cpp.llama_token * count)(*range(count))
        if llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(tokens, count)) != 0:
            raise SystemExit("llama.cpp did not decode the test model.")
    logits = [float(value) for value in llama_cpp.llama_get_logits(context)[:VOCABULARY]]
    llama_cpp.llama_free(context)
    llama_cpp.llama_model_free(model)
    return logits


def tiny_model() -> bytes:
    """A GGUF file, version 3 (ggml/include/gguf.h): metadata, the list of tensors, then their data, aligned to 32."""
    weights = {"token_embd": (Q8_0, VOCABULARY), "output": (Q4_1, VOCABULARY)}
    kinds = {"attn_q": Q4_0, "attn_k": Q4_K, "attn_v": Q6_K, "attn_output": Q5_K}
    kinds |= {"ffn_gate": F16, "ffn_up": BF16, "ffn_down": Q8_0}
    weights |= {f"blk.0.{name}": (kind, WIDTH) for name, kind in kinds.items()}
    norms = ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm")
    tensors = [(name, kind, [WIDTH, rows], matrix(kind, rows)) for name, (kind, rows) in weights.items()]
    tensors += [(name, F32, [WIDTH], array.array("f", [1.0] * WIDTH).tobytes()) for name in norms]
    metadata: dict[str, str | int | float] = {
        "general.architecture": "llama",
        "tokenizer.ggml.model": "none",
        "llama.vocab_size": VOCABULARY,
        "llama.context_length": 64,
        "llama.embedding_length": WIDTH,
        "llama.feed_forward_length": WIDTH,
        "llama.block_count": 1,
        "llama.attention.head_count": 4,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
    }
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    head += b"".join(text(key) + value_of(value) for key, value in metadata.items())
    data = b""
    for name, kind, shape, content in tensors:
        head += text(f"{name}.weight") + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, len(data))
        data += padded(content)
    return padded(head) + data


def matrix(kind: int, rows: int) -> bytes:
    """Blocks of small scales (0x1000 is 2^-11 as a half, and 2^-95 or so as a bfloat16) and random quants."""
    values, size = BLOCKS[kind]
    blocks = rows * WIDTH // values
    if size == 2:
        return b"\x00\x10" * blocks
    noise = random.Random(kind)
    scales = {Q4_0: 1, Q4_1: 2, Q8_0: 1, Q4_K: 2, Q5_K: 2, Q6_K: 1}[kind] * b"\x00\x10"
    if kind == Q6_K:  # its scale comes last
        return b"".join(noise.randbytes(size - len(scales)) + scales for _ in range(blocks))
    return b"".join(scales + noise.randbytes(size - len(scales)) for _ in range(blocks))


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def value_of(value: str | int | float) -> bytes:
    """A value with its type: 8 string, 4 unsigned 32 bits, 6 float 32 bits."""
    if isinstance(value, str):
        return struct.pack("<I", 8) + text(value)
    return struct.pack("<II", 4, value) if isinstance(value, int) else struct.pack("<If", 6, value)


def padded(content: bytes) -> bytes:
    return content + b"\0" * (-len(content) % 32)


if __name__ == "__main__":
    sys.exit(main())
