"""What the worker and its servers say to each other: one JSON object a line.

To the worker: {"generate": id, "prompt": …, "sampling": …, "stream": bool}, {"cancel": id}, {"status": id}.
From it, once: {"ready": …} or {"failed": sentence}. Then {"tokens": id, "of": [[sample's index, [text, logprob]], …]}
and {"ended": id, "sample": index, "text": …} where it streams; for each generate exactly one of {"done": id,
"generations": […]}, {"cancelled": id} and {"error": id, "message": sentence}; and {"status": id, …}. {"refused":
sentence} to one that does not speak this; then the connection ends.

Neither side trusts the other: what is read here raises ValueError where it is anything else.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from rung.models.protocol import FinishReason, Generation, Priority, Prompt, Sampling, Token, Usage

# A line holds a prompt of a document's size at most; who reads it must not give up before that.
LINE_LIMIT = 64 * 1024 * 1024
_MOST_SAMPLES = 1024

_PROMPT: Mapping[str, tuple[type, ...]] = {"prefix": (str,), "suffix": (str,), "draft": (str,), "context": (str,)}
_SAMPLING: Mapping[str, tuple[type, ...]] = {
    "max_tokens": (int,),
    "temperature": (int, float),
    "n": (int,),
    "stop": (list,),
    "stop_nth": (list, type(None)),
    "seed": (int, type(None)),
    "logprobs": (bool,),
    "priority": (int,),
    "statement": (str, type(None)),
    "next_line": (int, float),
    "doubt": (list, type(None)),
}


def pack(message: dict[str, Any]) -> bytes:
    """A line; surrogates that an editor sent survive as escapes. Values may be those of `rung.models.protocol`."""
    return json.dumps(message, default=_plain, separators=(",", ":")).encode() + b"\n"


def unpack(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except RecursionError:
        raise ValueError("a message is nested too deeply") from None
    if not isinstance(message, dict):
        raise ValueError("a message is an object")
    return message


def request(identifier: int, prompt: Prompt, sampling: Sampling, *, stream: bool) -> dict[str, Any]:
    return {"generate": identifier, "prompt": prompt, "sampling": sampling, "stream": stream}


def identifier_of(value: object) -> int:
    if type(value) is not int:
        raise ValueError("an identifier is a whole number")
    return value


def text_of(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a text is a string")
    return value


def prompt_of(message: dict[str, Any]) -> Prompt:
    return Prompt(**_checked(message.get("prompt"), _PROMPT))


def sampling_of(message: dict[str, Any]) -> Sampling:
    values = _checked(message.get("sampling"), _SAMPLING)
    stop = tuple(values["stop"])
    if not all(isinstance(text, str) and text for text in stop):
        raise ValueError("stop is a list of texts that are not empty")
    sampling = Sampling(
        **{
            **values,
            "stop": stop,
            "stop_nth": _stop_nth_of(values["stop_nth"]),
            "doubt": _doubt_of(values["doubt"]),
            "priority": Priority(values["priority"]),
        }
    )
    if sampling.max_tokens < 0 or not 0 <= sampling.n <= _MOST_SAMPLES:
        raise ValueError(f"max_tokens is not negative, and n is between 0 and {_MOST_SAMPLES}")
    if not (math.isfinite(sampling.temperature) and sampling.temperature >= 0):
        raise ValueError("temperature is finite and not negative")
    if sampling.seed is not None and sampling.seed < 0:
        raise ValueError("seed is not negative")
    return sampling


def _stop_nth_of(value: object) -> tuple[str, int] | None:
    match value:
        case None:
            return None
        case [str(text), int(count)] if text and type(count) is int and 1 <= count <= _MOST_SAMPLES:
            return text, count
    raise ValueError("stop_nth is a text that is not empty, and a number of 1 or more")


def _doubt_of(value: object) -> tuple[int, float] | None:
    match value:
        case None:
            return None
        case [int(count), float() | int() as probability] if type(count) is int and count >= 1:
            return count, float(probability)
    raise ValueError("doubt is a number of tokens of 1 or more, and a probability")


def token_of(value: object) -> Token:
    match value:
        case [str(text), float() | int() as logprob]:
            return Token(text, float(logprob))
    raise ValueError("a token is a text and its log-probability")


def generation_of(values: dict[str, Any]) -> Generation:
    """Raises KeyError and TypeError, too."""
    return Generation(
        text=values["text"],
        tokens=tuple(map(token_of, values["tokens"])),
        finish_reason=FinishReason(values["finish_reason"]),
        usage=Usage(**values["usage"]),
        seconds=values["seconds"],
    )


def _checked(values: object, types: Mapping[str, tuple[type, ...]]) -> dict[str, Any]:
    if not isinstance(values, dict) or values.keys() != types.keys():
        raise ValueError(f"expected {', '.join(types)}")
    for name, value in values.items():
        if type(value) not in types[name]:  # not isinstance: True is no number
            raise ValueError(f"{name} is of a wrong type")
    return values


def _plain(value: object) -> object:
    if isinstance(value, Token):  # by far the most of them: short, and quick to make
        return [value.text, value.logprob]
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    raise TypeError(f"{type(value).__name__} is not part of the worker's protocol")
