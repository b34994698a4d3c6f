"""What the worker and its model say to each other: one JSON object a line.

To the worker: {"generate": id, "prompt": …, "sampling": …, "stream": bool}, {"cancel": id}.
From it: {"ready": …} or {"failed": sentence} once; {"token": id, …}, and for each generate exactly one of
{"done": id, "generations": […]}, {"cancelled": id}, {"error": id, "message": sentence}.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from rung.models.protocol import FinishReason, Generation, Prompt, Sampling, Token, Usage

# A line holds a prompt of a context's size at most; the pipe's reader must not give up before that.
LINE_LIMIT = 64 * 1024 * 1024


def pack(message: dict[str, Any]) -> bytes:
    """A line; surrogates that an editor sent survive as escapes."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def unpack(line: bytes) -> dict[str, Any]:
    """Raises ValueError."""
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError("a message of the worker's protocol is an object")
    return message


def request(identifier: int, prompt: Prompt, sampling: Sampling, stream: bool) -> dict[str, Any]:
    return {"generate": identifier, "prompt": asdict(prompt), "sampling": asdict(sampling), "stream": stream}


def prompt_of(message: dict[str, Any]) -> Prompt:
    return Prompt(**message["prompt"])


def sampling_of(message: dict[str, Any]) -> Sampling:
    fields = message["sampling"]
    return Sampling(**{**fields, "stop": tuple(fields["stop"])})


def generation_of(fields: dict[str, Any]) -> Generation:
    return Generation(
        text=fields["text"],
        tokens=tuple(Token(**token) for token in fields["tokens"]),
        finish_reason=FinishReason(fields["finish_reason"]),
        usage=Usage(**fields["usage"]),
        seconds=fields["seconds"],
    )
