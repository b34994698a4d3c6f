"""llama.cpp with nothing around it: `llama_decode` in a loop, no sampling. The yardstick for rung's own loop.

Run as a child: `python -m rung.models.bench.raw_llama CHECKPOINT CONTEXT THREADS`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import llama_cpp

from rung.models.bench.child_loop import answer_work
from rung.models.bench.work import Answer, Work
from rung.models.common_prefix import common_prefix

MAX_SEQUENCES = 16
_BATCH = 512


class RawLlama:
    """Sequence 0 keeps the last prompt; the sequences that decode are those above it and share its cells."""

    def __init__(self, checkpoint: Path, context: int, threads: int) -> None:
        llama_cpp.llama_log_set(_LOG, None)
        llama_cpp.llama_backend_init()
        self._model = llama_cpp.llama_model_load_from_file(
            str(checkpoint).encode(), llama_cpp.llama_model_default_params()
        )
        if not self._model:
            raise ValueError(f"llama.cpp cannot load {checkpoint}")
        self._vocab: Any = llama_cpp.llama_model_get_vocab(self._model)
        self._context = self._open(context, threads)
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._batch = llama_cpp.llama_batch_init(_BATCH, 0, 1)
        self._kept: list[int] = []

    def answer(self, work: Work) -> Answer:
        """Every sequence decodes all of `max_tokens`, the same token again and again: its choice costs nothing here."""
        if work.sequences > MAX_SEQUENCES:
            raise ValueError(f"at most {MAX_SEQUENCES} sequences")
        began = time.perf_counter()
        tokens = self._tokenize(work.prompt)
        cached = self._evaluate(tokens)
        first = time.perf_counter()
        sequences = range(1, work.sequences + 1)
        for sequence in sequences:
            llama_cpp.llama_memory_seq_cp(self._memory, 0, sequence, -1, -1)
        # The first token of each comes from the prompt's logits.
        for position in range(len(tokens), len(tokens) + work.max_tokens - 1):
            self._decode([(tokens[-1], position, sequence, True) for sequence in sequences])
        ended = time.perf_counter()
        for sequence in sequences:
            llama_cpp.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        generated = work.max_tokens * work.sequences
        return Answer(ended - began, first - began, len(tokens), cached, generated, work.max_tokens)

    def _open(self, context: int, threads: int) -> Any:
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = context
        parameters.n_batch = _BATCH
        parameters.n_ubatch = _BATCH
        parameters.n_seq_max = MAX_SEQUENCES + 1
        parameters.n_outputs_max = parameters.n_seq_max
        parameters.kv_unified = True
        parameters.n_threads = threads
        parameters.n_threads_batch = threads
        opened = llama_cpp.llama_init_from_model(self._model, parameters)
        if not opened:
            raise ValueError(f"llama.cpp could not make a context of {context} cells")
        return opened

    def _tokenize(self, text: str) -> list[int]:
        raw = text.encode()
        buffer = (llama_cpp.llama_token * (len(raw) + 8))()
        count = llama_cpp.llama_tokenize(self._vocab, raw, len(raw), buffer, len(buffer), True, False)
        if count <= 0:
            raise ValueError(f"the tokenizer refused a text of {len(raw)} bytes")
        return list(buffer[:count])

    def _evaluate(self, tokens: list[int]) -> int:
        """Bring sequence 0 to `tokens`; how many were there. The last one is always evaluated, for its logits."""
        common = common_prefix(self._kept, tokens[:-1])
        if not llama_cpp.llama_memory_seq_rm(self._memory, 0, common, -1):
            llama_cpp.llama_memory_clear(self._memory, True)  # a recurrent state cannot forget only the end
            common = 0
        for start in range(common, len(tokens), _BATCH):
            part = tokens[start : start + _BATCH]
            self._decode([(token, at, 0, at == len(tokens) - 1) for at, token in enumerate(part, start)])
        self._kept = tokens
        return common

    def _decode(self, entries: Sequence[tuple[int, int, int, bool]]) -> None:
        """entries: token, position, sequence, whether its logits are wanted."""
        batch = self._batch
        for row, (token, position, sequence, output) in enumerate(entries):
            batch.token[row] = token
            batch.pos[row] = position
            batch.n_seq_id[row] = 1
            batch.seq_id[row][0] = sequence
            batch.logits[row] = output
        batch.n_tokens = len(entries)
        code = llama_cpp.llama_decode(self._context, batch)
        if code != 0:
            raise RuntimeError(f"llama.cpp could not decode a batch of {len(entries)} tokens (code {code})")
        llama_cpp.llama_synchronize(self._context)


_LOG = llama_cpp.llama_log_callback(lambda *_: None)  # kept for as long as llama.cpp may call it


if __name__ == "__main__":
    answer_work(lambda *arguments: RawLlama(*arguments).answer)
