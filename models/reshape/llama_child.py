"""The process in which llama.cpp runs: `python -m rung.models.reshape.llama_child`.

Reads one request, a JSON object, from its standard input; writes any number of {"done": …, "total": …} and then one
answer, or {"failed": sentence}, a line each.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import llama_cpp

_INFO, _WARN, _ERROR = 2, 3, 4  # ggml.h, enum ggml_log_level
_TENSOR = re.compile(r"\[\s*(\d+)/\s*(\d+)\]")  # how llama_model_quantize tells where it is
_SIGN_OF_LIFE_S = 0.2

Advance = Callable[[int, int], None]


class Failed(Exception):
    """`str(error)` is a sentence."""


def quantize(request: dict[str, Any], advance: Advance) -> dict[str, Any]:
    """Of `source` into `target`; ftype: llama.h's number. head: ggml's number of the type, or None."""

    def heard(text: str) -> None:
        if found := _TENSOR.search(text):
            advance(int(found[1]), int(found[2]))

    said = _listen(heard)
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = request["ftype"]
    parameters.nthread = request["threads"]
    parameters.allow_requantize = True
    if request["head"] is not None:
        parameters.output_tensor_type = request["head"]
        parameters.token_embedding_type = request["head"]
    code = llama_cpp.llama_model_quantize(
        os.fsencode(request["source"]), os.fsencode(request["target"]), ctypes.byref(parameters)
    )
    if code != 0:
        reason = said[-1] if said else f"code {code}"
        raise Failed(f"llama.cpp could not quantize {request['source']} ({reason}).")
    return {}


def count(request: dict[str, Any], advance: Advance) -> dict[str, Any]:
    """How often each token occurs in `files`, which characters do; bytes and number of the files that are in UTF-8."""
    counts, characters, size, read = Counter[int](), set[str](), 0, 0
    with _vocabulary(request["checkpoint"]) as vocab:
        for number, name in enumerate(request["files"], 1):
            try:
                raw = Path(name).read_bytes()
                text = raw.decode()
            except (OSError, UnicodeDecodeError):
                text = ""
            if text and "\0" not in text:
                counts.update(_tokens(vocab, raw))
                characters.update(text)
                size += len(raw)
                read += 1
            advance(number, len(request["files"]))
    return {
        "counts": {str(token): times for token, times in counts.items()},
        "characters": "".join(sorted(characters)),
        "bytes": size,
        "files": read,
    }


def pieces(request: dict[str, Any], advance: Advance) -> dict[str, Any]:
    """Of each of `texts`, the tokens' bytes, as Latin-1."""
    cut: list[list[str]] = []
    with _vocabulary(request["checkpoint"]) as vocab:
        for text in request["texts"]:
            raw = text.encode("utf-8", "surrogatepass")
            cut.append([_piece(vocab, token).decode("latin-1") for token in _tokens(vocab, raw)])
            advance(len(cut), len(request["texts"]))
    return {"pieces": cut}


def load(request: dict[str, Any], _advance: Advance) -> dict[str, Any]:
    """Load `checkpoint` whole and evaluate a token, as a rung would."""
    said = _listen()
    with _model(request["checkpoint"], said, vocab_only=False) as model:
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = 32
        parameters.n_threads = parameters.n_threads_batch = 1
        context = llama_cpp.llama_init_from_model(model, parameters)
        if context is None:
            raise Failed(f"llama.cpp cannot make a context for {request['checkpoint']}.")
        token = (llama_cpp.llama_token * 1)(0)
        code = llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(token, 1))
        llama_cpp.llama_free(context)
        if code != 0:
            raise Failed(f"llama.cpp cannot evaluate a token of {request['checkpoint']} (code {code}).")
        return {"tokens": llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))}


TASKS = {"quantize": quantize, "count": count, "pieces": pieces, "load": load}


def main() -> None:
    # A library that prints must not be able to break the protocol: it prints to standard error.
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    request = json.loads(sys.stdin.buffer.read())
    try:
        answer = TASKS[request["task"]](request, _Advance(sink))
    except Failed as error:
        answer = {"failed": str(error)}
    try:
        sink.write(json.dumps(answer).encode() + b"\n")
        sink.close()
    except BrokenPipeError:
        os._exit(0)  # who asked is gone


class _Advance:
    """Tells how far it is, a few times a second."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self._told = 0.0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if done < total and now - self._told < _SIGN_OF_LIFE_S:
            return
        self._told = now
        try:
            self._sink.write(json.dumps({"done": done, "total": total}).encode() + b"\n")
            self._sink.flush()
        except BrokenPipeError:
            os._exit(0)  # who asked is gone


_kept: list[Any] = []  # llama.cpp calls it until the process ends


def _listen(heard: Callable[[str], None] = lambda _: None) -> list[str]:
    """What llama.cpp says of warnings and errors, as it comes; also on standard error, for the case of a crash."""
    said: list[str] = []

    def log(level: int, raw: bytes, _: object) -> None:
        text = raw.decode("utf-8", "replace").strip()
        heard(text)
        if level in (_WARN, _ERROR) and text:
            said.append(text[:300])
            print(text[:300], file=sys.stderr, flush=True)

    _kept.append(llama_cpp.llama_log_callback(log))
    llama_cpp.llama_log_set(_kept[-1], None)
    return said


@contextmanager
def _model(checkpoint: str, said: list[str], *, vocab_only: bool) -> Iterator[Any]:
    llama_cpp.llama_backend_init()
    parameters = llama_cpp.llama_model_default_params()
    parameters.vocab_only = vocab_only
    model = llama_cpp.llama_model_load_from_file(os.fsencode(checkpoint), parameters)
    if not model:
        reason = f" ({said[0]})" if said else ""
        raise Failed(f"llama.cpp cannot load {checkpoint}{reason}.")
    try:
        yield model
    finally:
        llama_cpp.llama_model_free(model)


@contextmanager
def _vocabulary(checkpoint: str) -> Iterator[Any]:
    with _model(checkpoint, _listen(), vocab_only=True) as model:
        yield llama_cpp.llama_model_get_vocab(model)


def _tokens(vocab: Any, raw: bytes) -> list[int]:
    room = len(raw) + 8
    buffer = (llama_cpp.llama_token * room)()
    found = llama_cpp.llama_tokenize(vocab, raw, len(raw), buffer, room, False, False)
    if found < 0:
        raise Failed(f"The tokenizer refused a text of {len(raw):,} bytes.")
    return buffer[:found]


def _piece(vocab: Any, token: int) -> bytes:
    buffer = ctypes.create_string_buffer(1024)
    length = llama_cpp.llama_token_to_piece(vocab, token, buffer, len(buffer), 0, True)
    return buffer.raw[: max(length, 0)]


if __name__ == "__main__":
    main()
