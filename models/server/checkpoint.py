"""A checkpoint for transformers: a GGUF file, a folder, or a name of the hub."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from rung.models.catalogue import CatalogueError, find

_CHUNK = 1 << 20
_HUB = re.compile(r"[\w.-]+/[\w.-]+")
_WEIGHTS = "*.safetensors"


class LoadFailed(Exception):
    """There is no model; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Source:
    """path: a .gguf file or a folder; None for a checkpoint of the hub, whose name `named` is."""

    named: str
    path: Path | None

    @property
    def name(self) -> str:
        """Short, for clients."""
        if self.path is None:
            return self.named.rpartition("/")[2]
        return self.path.stem if self.path.is_file() else self.path.name

    @property
    def arguments(self) -> dict[str, str]:
        """As transformers calls them."""
        if self.path is None:
            return {"pretrained_model_name_or_path": self.named}
        if self.path.is_file():
            return {"pretrained_model_name_or_path": str(self.path.parent), "gguf_file": self.path.name}
        return {"pretrained_model_name_or_path": str(self.path)}

    def sha256(self) -> str:
        """Hexadecimal: of the file, or of all files of weights in the order of their names.

        One of the hub has been loaded before, and so lies on this machine. Raises LoadFailed.
        """
        digest = hashlib.sha256()
        for file in self._weights():
            with file.open("rb") as opened:
                while chunk := opened.read(_CHUNK):
                    digest.update(chunk)
        return digest.hexdigest()

    def _weights(self) -> Sequence[Path]:
        if self.path is not None and self.path.is_file():
            return [self.path]
        folder = self.path or Path(snapshot_download(self.named, allow_patterns=_WEIGHTS, local_files_only=True))
        files = sorted(folder.glob(_WEIGHTS))
        if not files:
            raise LoadFailed(f"{self.named} has no {_WEIGHTS} files to know it by: convert its weights to safetensors.")
        return files


def source(checkpoint: str) -> Source:
    """checkpoint: a name of rung's catalogue, a .gguf file, a folder, or OWNER/NAME of the hub. Raises LoadFailed."""
    path = Path(checkpoint).expanduser()
    if path.is_dir():
        return Source(checkpoint, path.absolute())
    if _HUB.fullmatch(checkpoint) and not checkpoint.endswith(".gguf") and not path.exists():
        return Source(checkpoint, None)
    try:
        return Source(checkpoint, find(checkpoint))
    except CatalogueError as error:
        raise LoadFailed(str(error)) from error


def load(origin: Source, device: torch.device, dtype: torch.dtype) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model on its device, in evaluation mode, and its tokenizer. Raises LoadFailed."""
    logging: Any = transformers_logging
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        model: Any = AutoModelForCausalLM.from_pretrained(**origin.arguments, dtype=dtype)
        tokenizer: Any = AutoTokenizer.from_pretrained(**origin.arguments)
        model = model.eval().requires_grad_(False).to(device)
    except (OSError, ValueError, RuntimeError, ImportError, KeyError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:300]
        raise LoadFailed(f"{origin.named} could not be loaded: {reason}") from error
    return model, tokenizer
