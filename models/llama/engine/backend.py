"""A checkpoint in a context of llama.cpp: batches of tokens in, logits out."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from enum import Enum, auto
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from rung.models.llama.settings import EngineSettings

CHUNK = 128  # tokens of a prompt evaluated at once; a more urgent request, or a cancellation, waits for no more
SEQUENCES = 64
OUTPUTS = 32  # rows of logits that one batch may ask for
PARKED_SHARE = 3  # of the memory for keys and values, one such part is for documents that nobody works with
_ALL_LAYERS = 999
_ABORTED, _FULL = 2, 1
_LOG_ERROR = 4  # ggml.h: GGML_LOG_LEVEL_ERROR
# What llama.cpp says of a batch that was aborted because nobody waits for it any more.
_ABORT_WORDS = (b"graph_compute_async failed with error 1", b"compute status: 1", b"failed to decode, ret = 2")
_Q8_0 = 8  # ggml.h: GGML_TYPE_Q8_0, 34 bytes for 32 values
_F16 = 1


class Decoded(Enum):
    """What became of a batch. Where it is not DONE, the cache holds nothing of it."""

    DONE = auto()
    FULL = auto()  # no cells for it
    ABORTED = auto()


class Backend:
    """Not for more than one thread, but for `abort`. Raises ValueError where llama.cpp cannot load the file.

    context: tokens of one sequence. cells: tokens of all sequences together; sequences that share a beginning share its
    cells. partial: whether a sequence can be cut back to any length; a recurrent state cannot.
    """

    def __init__(self, path: Path, settings: EngineSettings) -> None:
        llama_cpp.llama_log_set(_LOG, None)
        llama_cpp.llama_backend_init()
        layers = _gpu_layers(settings)
        self.offloaded = layers > 0
        self.model = _load(path, layers)
        trained = llama_cpp.llama_model_n_ctx_train(self.model)
        self.context = min(settings.context, trained) if trained > 0 else settings.context
        self._aborting = ctypes.create_string_buffer(2)
        self._flag = _flag_reader()  # kept for as long as llama.cpp may call it
        self.cells, self._llama = self._open(settings)
        self._memory = llama_cpp.llama_get_memory(self._llama)
        self._batch = llama_cpp.llama_batch_init(CHUNK, 0, 1)
        self._rows = _Rows(self._batch)
        self.partial = not (
            llama_cpp.llama_model_is_recurrent(self.model) or llama_cpp.llama_model_is_hybrid(self.model)
        )
        self.vocabulary_size: int = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))
        self._row = ctypes.c_float * self.vocabulary_size

    def decode(
        self, tokens: Sequence[int], positions: Sequence[int], sequences: Sequence[int], outputs: Sequence[int]
    ) -> Decoded:
        """At most CHUNK tokens, of which those at the indexes `outputs` (at most OUTPUTS, rising) get logits.

        Raises RuntimeError where llama.cpp fails in another way than by `Decoded`.
        """
        self._rows.fill(tokens, positions, sequences, outputs)
        self._batch.n_tokens = len(tokens)
        code = llama_cpp.llama_decode(self._llama, self._batch)
        if code == 0:
            return Decoded.DONE
        if code == _FULL:
            return Decoded.FULL
        if code == _ABORTED:
            return Decoded.ABORTED
        raise RuntimeError(f"llama.cpp could not decode a batch of {len(tokens)} tokens (code {code})")

    def logits(self, row: int) -> NDArray[np.float32]:
        """Of the row with that index in the last batch; valid until the next one."""
        pointer = llama_cpp.llama_get_logits_ith(self._llama, row)
        return np.frombuffer(self._row.from_address(ctypes.addressof(pointer.contents)), np.float32)

    def abort(self, wanted: bool) -> None:
        """Whether the batch at work (or the next) should end now. From any thread."""
        self._aborting[0] = b"\x01" if wanted else b"\x00"

    def truncate(self, sequence: int, length: int) -> int:
        """Forget all but the first `length` tokens; how many are left, 0 where the end alone cannot be forgotten."""
        if llama_cpp.llama_memory_seq_rm(self._memory, sequence, length, -1):
            return length
        self.drop(sequence)
        return 0

    def copy(self, source: int, target: int, length: int) -> None:
        """`target`, which is empty, becomes the first `length` tokens of `source`; they share the cells."""
        llama_cpp.llama_memory_seq_cp(self._memory, source, target, -1, length if self.partial else -1)

    def drop(self, sequence: int) -> None:
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    def save(self, sequence: int, most: int) -> NDArray[np.uint8] | None:
        """A copy of what the cache holds of the sequence; None where that is more than `most` bytes."""
        size = llama_cpp.llama_state_seq_get_size(self._llama, sequence)
        if size > most:
            return None
        state = np.empty(size, np.uint8)
        written = llama_cpp.llama_state_seq_get_data(self._llama, _bytes_of(state), size, sequence)
        return state[:written]

    def load(self, sequence: int, state: NDArray[np.uint8]) -> bool:
        """What `save` copied, into an empty sequence; False where there are no cells for it."""
        return bool(llama_cpp.llama_state_seq_set_data(self._llama, _bytes_of(state), state.nbytes, sequence))

    def clear(self) -> None:
        """Forget everything."""
        llama_cpp.llama_memory_clear(self._memory, True)

    def use_threads(self, decoding: int, evaluating: int) -> None:
        """Of batches with one token, and of larger ones."""
        llama_cpp.llama_set_n_threads(self._llama, decoding, evaluating)

    def close(self) -> None:
        llama_cpp.llama_batch_free(self._batch)
        llama_cpp.llama_free(self._llama)
        llama_cpp.llama_model_free(self.model)

    def _open(self, settings: EngineSettings) -> tuple[int, Any]:
        # With keys and values of 8 bits, llama.cpp's attention computes each row by itself: what comes out does not
        # depend on what else is in the batch. Its faster ways for 16 bits round otherwise in batches of another size.
        cache_type = _Q8_0 if settings.exact else _F16
        room = settings.cache_mb * 2**20 * (PARKED_SHARE - 1) // PARKED_SHARE
        cells = max(room // self._cell_bytes(cache_type), self.context + CHUNK)
        if context := llama_cpp.llama_init_from_model(self.model, self._parameters(cells, cache_type, settings)):
            return cells, context
        raise ValueError(f"llama.cpp could not make a context of {cells} tokens; lower `context` or `cache_mb`")

    def _parameters(self, cells: int, cache_type: int, settings: EngineSettings) -> Any:
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = cells
        parameters.n_batch = parameters.n_ubatch = CHUNK
        parameters.n_seq_max = SEQUENCES
        parameters.n_outputs_max = SEQUENCES  # llama.cpp wants a row for each sequence
        parameters.kv_unified = True
        parameters.type_k = parameters.type_v = cache_type
        parameters.n_threads = parameters.n_threads_batch = settings.threads or os.cpu_count() or 1
        parameters.abort_callback = self._flag
        parameters.abort_callback_data = ctypes.cast(self._aborting, ctypes.c_void_p)
        return parameters

    def _cell_bytes(self, cache_type: int) -> int:
        """Of one token's keys and values in all layers."""
        heads: int = llama_cpp.llama_model_n_layer(self.model) * llama_cpp.llama_model_n_head_kv(self.model)
        count = heads * (self._head_size("key") + self._head_size("value"))
        return max(count * 34 // 32 if cache_type == _Q8_0 else count * 2, 1)

    def _head_size(self, kind: str) -> int:
        """Values in one key or value of one head."""
        architecture = self._meta("general.architecture")
        width = llama_cpp.llama_model_n_embd(self.model) // max(llama_cpp.llama_model_n_head(self.model), 1)
        return int(self._meta(f"{architecture}.attention.{kind}_length") or width)

    def _meta(self, key: str) -> str:
        buffer = ctypes.create_string_buffer(128)
        length = llama_cpp.llama_model_meta_val_str(self.model, key.encode(), buffer, 128)
        return buffer.value.decode("utf-8", "replace") if length >= 0 else ""


class _Rows:
    """The arrays of a llama_batch."""

    def __init__(self, batch: Any) -> None:
        def view(pointer: Any) -> NDArray[Any]:
            return np.ctypeslib.as_array(pointer, shape=(CHUNK,))

        self._tokens, self._positions, self._outputs = view(batch.token), view(batch.pos), view(batch.logits)
        self._sequences = [batch.seq_id[row] for row in range(CHUNK)]
        view(batch.n_seq_id)[:] = 1

    def fill(
        self, tokens: Sequence[int], positions: Sequence[int], sequences: Sequence[int], outputs: Sequence[int]
    ) -> None:
        count = len(tokens)
        self._tokens[:count] = tokens
        self._positions[:count] = positions
        self._outputs[:count] = 0
        for row in outputs:
            self._outputs[row] = 1
        for row, sequence in enumerate(sequences):
            self._sequences[row][0] = sequence


def _bytes_of(state: NDArray[np.uint8]) -> Any:
    return state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))


def _flag_reader() -> Any:
    # llama.cpp calls it after every operation of a batch, some thousand times: in Python that took a sixth of a token's
    # time. The C library's strlen says of two bytes whether the first is set: 0 or 1, as the call wants.
    library = ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)
    return ctypes.cast(library.strlen, llama_cpp.ggml_abort_callback)


def _gpu_layers(settings: EngineSettings) -> int:
    if not llama_cpp.llama_supports_gpu_offload():
        return 0
    return _ALL_LAYERS if settings.gpu_layers is None else settings.gpu_layers


def _log(level: int, text: bytes, _: object) -> None:
    if level == _LOG_ERROR and not any(words in text for words in _ABORT_WORDS):
        sys.stderr.write(text.decode("utf-8", "replace"))
        sys.stderr.flush()


_LOG = llama_cpp.llama_log_callback(_log)  # kept for as long as llama.cpp may call it


def _load(path: Path, gpu_layers: int) -> Any:
    parameters = llama_cpp.llama_model_default_params()
    parameters.n_gpu_layers = gpu_layers
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
    if not model:
        raise ValueError(f"llama.cpp cannot load {path}: it is damaged, or newer than this llama.cpp")
    return model
