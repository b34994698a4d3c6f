"""llama.cpp's loop: one prompt evaluated once, its n samples decoded in one batch."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from rung.models.llama.sample import Sample
from rung.models.llama.vocabulary import Vocabulary
from rung.models.protocol import FinishReason, Generation, Prompt, Sampling, Token, Usage

MAX_SAMPLES = 16
_BATCH = 512
# Cells beyond the context, so that samples of a long prompt still run side by side.
_SPARE_CELLS = 2048
_ABORTED = 2
_LOG_LEVELS = (3, 4)  # ggml.h: GGML_LOG_LEVEL_WARN, GGML_LOG_LEVEL_ERROR
_PROMPT = 0  # the sequence that keeps the last prompt; samples are the sequences above it


class Cancelled(Exception):
    """Nobody waits for this generation any more."""


class Engine:
    """A loaded checkpoint. Not for more than one thread.

    context: tokens of prompt and generation of one sample together.
    Raises ValueError where llama.cpp cannot load the file.
    """

    def __init__(self, path: Path, *, context: int, threads: int) -> None:
        self._cancelled: Callable[[], bool] = lambda: False
        llama_cpp.llama_log_set(_LOG, None)
        llama_cpp.llama_backend_init()
        self._model = _load(path)
        self.vocabulary = Vocabulary(self._model)
        trained = llama_cpp.llama_model_n_ctx_train(self._model)
        self.context = min(context, trained) if trained > 0 else context
        self._cells = self.context + _SPARE_CELLS
        self._context = self._open(threads)
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._batch = llama_cpp.llama_batch_init(_BATCH, 0, 1)
        self._kept: list[int] = []

    def generate(
        self,
        prompt: Prompt,
        sampling: Sampling,
        cancelled: Callable[[], bool],
        on_token: Callable[[int, Token], None],
    ) -> list[Generation]:
        """Raises Cancelled within one token; the cache stays valid."""
        began = time.monotonic()
        self._cancelled = cancelled
        room = self.context - min(sampling.max_tokens, self.context // 2)
        encoded = self.vocabulary.encode(prompt, room)
        seed = secrets.randbits(63) if sampling.seed is None else sampling.seed
        samples = [Sample(self.vocabulary, sampling, encoded.healed, [seed, index]) for index in range(sampling.n)]
        cached = self._evaluate(encoded.tokens)
        first = self._logits(-1).copy()
        ended = [0.0] * len(samples)
        wave = max(1, min(MAX_SAMPLES, (self._cells - len(encoded.tokens)) // max(1, sampling.max_tokens)))
        try:
            for start in range(0, len(samples), wave):
                live = list(range(start, min(start + wave, len(samples))))
                self._decode_wave(samples, live, len(encoded.tokens), first, ended, on_token)
                if start + wave < len(samples):
                    self._drop_samples()
            if len(samples) == 1:
                self._keep_sample(samples[0], encoded.tokens)
        finally:
            self._drop_samples()
        return [
            Generation(
                sample.text,
                tuple(sample.tokens),
                sample.finish or FinishReason.LENGTH,
                Usage(
                    prompt=0 if index else len(encoded.tokens),
                    cached=0 if index else cached,
                    generated=len(sample.ids),
                ),
                ended[index] - began,
            )
            for index, sample in enumerate(samples)
        ]

    def close(self) -> None:
        llama_cpp.llama_batch_free(self._batch)
        llama_cpp.llama_free(self._context)
        llama_cpp.llama_model_free(self._model)

    def _open(self, threads: int) -> Any:
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = self._cells
        parameters.n_batch = _BATCH
        parameters.n_ubatch = _BATCH
        parameters.n_seq_max = MAX_SAMPLES + 1
        parameters.n_outputs_max = parameters.n_seq_max  # rows of logits kept: one a sequence
        parameters.kv_unified = True  # samples share the cells of their prompt
        parameters.n_threads = threads
        parameters.n_threads_batch = threads
        # Kept on self: llama.cpp calls it as long as the context lives.
        self._abort = llama_cpp.ggml_abort_callback(lambda _: self._cancelled())
        parameters.abort_callback = self._abort
        context = llama_cpp.llama_init_from_model(self._model, parameters)
        if context is None:
            raise ValueError(f"llama.cpp could not make a context of {self._cells} cells; lower `context`")
        return context

    def _evaluate(self, tokens: list[int]) -> int:
        """Bring the prompt's sequence to `tokens`; how many were there already."""
        self._truncate(_common(self._kept, tokens[:-1]))  # the last one is always evaluated: its logits are wanted
        common = len(self._kept)
        for start in range(common, len(tokens), _BATCH):
            part = tokens[start : start + _BATCH]
            last = start + len(part) == len(tokens)
            for index, token in enumerate(part):
                self._put(index, token, start + index, _PROMPT, last and index == len(part) - 1)
            self._decode(len(part), valid=start)
            self._kept += part
        return common

    def _decode_wave(
        self,
        samples: list[Sample],
        live: list[int],
        position: int,
        first: NDArray[np.float32],
        ended: list[float],
        on_token: Callable[[int, Token], None],
    ) -> None:
        begin = live[0]
        for index in live:
            llama_cpp.llama_memory_seq_cp(self._memory, _PROMPT, index - begin + 1, -1, -1)
        rows = dict.fromkeys(live, first)
        while live:
            if self._cancelled():
                raise Cancelled
            for index in live:
                token = samples[index].take(rows[index])
                if token is not None:
                    on_token(index, token)
                if samples[index].finish is not None:
                    ended[index] = time.monotonic()
            live = [index for index in live if samples[index].finish is None]
            for row, index in enumerate(live):
                self._put(row, samples[index].ids[-1], position, index - begin + 1, True)
            if live:
                self._decode(len(live), valid=None)
                rows = {index: self._logits(row) for row, index in enumerate(live)}
            position += 1

    def _keep_sample(self, sample: Sample, prompt: list[int]) -> None:
        # The next prompt often goes on where this sample ended: the user accepted it, or typed it.
        evaluated = sample.ids[:-1]
        llama_cpp.llama_memory_seq_cp(self._memory, 1, _PROMPT, len(prompt), -1)
        self._kept = prompt + evaluated

    def _put(self, at: int, token: int, position: int, sequence: int, output: bool) -> None:
        batch = self._batch
        batch.token[at] = token
        batch.pos[at] = position
        batch.n_seq_id[at] = 1
        batch.seq_id[at][0] = sequence
        batch.logits[at] = output

    def _decode(self, count: int, *, valid: int | None) -> None:
        """valid: tokens of the prompt's sequence that stay if this batch does not come through."""
        self._batch.n_tokens = count
        code = llama_cpp.llama_decode(self._context, self._batch)
        if code == 0:
            return
        if valid is not None:
            self._truncate(valid)
        if code == _ABORTED:
            raise Cancelled
        raise RuntimeError(f"llama.cpp could not decode a batch of {count} tokens (code {code})")

    def _truncate(self, length: int) -> None:
        if not llama_cpp.llama_memory_seq_rm(self._memory, _PROMPT, length, -1):
            # Checkpoints with a recurrent state cannot forget only the end.
            llama_cpp.llama_memory_clear(self._memory, True)
            length = 0
        self._kept = self._kept[:length]

    def _drop_samples(self) -> None:
        for sequence in range(1, MAX_SAMPLES + 1):
            llama_cpp.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    def _logits(self, row: int) -> NDArray[np.float32]:
        pointer = llama_cpp.llama_get_logits_ith(self._context, row)
        return np.ctypeslib.as_array(pointer, shape=(self.vocabulary.size,))


def _log(level: int, text: bytes, _: object) -> None:
    if level in _LOG_LEVELS:
        sys.stderr.write(text.decode("utf-8", "replace"))
        sys.stderr.flush()


_LOG = llama_cpp.llama_log_callback(_log)  # kept for as long as llama.cpp may call it


def _load(path: Path) -> Any:
    parameters = llama_cpp.llama_model_default_params()
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
    if not model:
        raise ValueError(f"llama.cpp cannot load {path}: it is damaged, or newer than this llama.cpp")
    return model


def _common(left: list[int], right: list[int]) -> int:
    for index, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return index
    return min(len(left), len(right))
