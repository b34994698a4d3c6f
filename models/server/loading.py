"""From a checkpoint's name to an engine that answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from rung.models.server.checkpoint import LoadFailed, Source, load, source
from rung.models.server.devices import device_named, dtype_named, use_threads
from rung.models.server.engine import Engine
from rung.models.server.exits.exits import Exits, ExitsRefused
from rung.models.server.exits.exits import load as load_exits
from rung.models.server.forward import Forward, Unsupported
from rung.models.server.vocabulary import Vocabulary

__all__ = ["EngineOptions", "LoadFailed", "load_engine"]

_USUAL_CONTEXT = 4096


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """checkpoint: a name of rung's catalogue, a GGUF file, a folder, or OWNER/NAME of the hub.

    device: auto, cpu, cuda, cuda:N or mps. dtype: auto (float32 on a processor, bfloat16 on a GPU), float32, bfloat16
    or float16. context: tokens; None: what the model has, but no more than 4,096. batch: samples at once. waiting:
    requests that may wait. keep_tokens: of the prefix cache. threads: of a processor. name: as clients call it.
    """

    checkpoint: str
    device: str
    dtype: str
    context: int | None
    batch: int
    waiting: int
    keep_tokens: int
    exits: Path | None
    threads: int | None
    name: str | None


def load_engine(options: EngineOptions) -> Engine:
    """Takes seconds to minutes. Raises LoadFailed."""
    if options.threads is not None:
        use_threads(options.threads)
    device = device_named(options.device)
    dtype = dtype_named(options.dtype, device)
    origin = source(options.checkpoint)
    here = origin.path is not None  # then exits of another checkpoint are refused before that is loaded
    exits = _exits(options.exits, origin, device, dtype) if here else None
    model, tokenizer = load(origin, device, dtype)
    if not here:
        exits = _exits(options.exits, origin, device, dtype)
    return engine_of(origin, model, tokenizer, options, exits)


def engine_of(
    origin: Source,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    options: EngineOptions,
    exits: Exits | None = None,
) -> Engine:
    """Of what is loaded; it then belongs to the engine. Raises LoadFailed."""
    if exits is not None:
        exits.attach(model)
    try:
        forward = Forward(model, exits)
    except Unsupported as error:
        raise LoadFailed(
            f"rung cannot serve {options.checkpoint}: {error}. Serve it by vLLM, llama-server or `transformers serve`."
        ) from error
    return Engine(
        options.name or origin.name,
        forward,
        Vocabulary(tokenizer, model),
        context=_context(options.context, model),
        batch=options.batch,
        waiting=options.waiting,
        keep_tokens=options.keep_tokens,
    )


def _exits(path: Path | None, origin: Source, device: torch.device, dtype: torch.dtype) -> Exits | None:
    if path is None:
        return None
    try:
        return load_exits(path, origin.sha256(), device, dtype)
    except ExitsRefused as error:
        raise LoadFailed(str(error)) from error


def _context(wanted: int | None, model: PreTrainedModel) -> int:
    most = int(getattr(model.config.get_text_config(), "max_position_embeddings", _USUAL_CONTEXT))
    if wanted is not None and wanted > most:
        raise LoadFailed(f"The model reads at most {most} tokens: lower --context from {wanted}.")
    return wanted or min(most, _USUAL_CONTEXT)
