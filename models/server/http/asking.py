"""From the fields of a request to what the engine is asked."""

from __future__ import annotations

from dataclasses import dataclass

from rung.models.server.asked import Asked, Refused
from rung.models.server.http.answering import Answering
from rung.models.server.http.fields import read_fields

MODEL_NOT_FOUND = "model_not_found"  # OpenAI's word
_MAX_TOKENS = 16  # as OpenAI has it, and the temperature too
_TEMPERATURE = 1.0
_COLDEST = 1e-4  # below, logits divided by it leave no number to draw from, and the likeliest token is certain anyway


@dataclass(frozen=True, slots=True)
class Asking:
    """asked: of the engine. stream: as events, at their end the usage where `usage` says so."""

    asked: Asked
    stream: bool
    usage: bool


def read_asking(body: bytes, engine: Answering) -> Asking:
    """Raises Refused."""
    fields = read_fields(body)
    if fields.model not in (None, engine.name):
        raise Refused(f"The model here is '{engine.name}'; name it, or leave 'model' out.", "model", MODEL_NOT_FOUND)
    if fields.suffix and not engine.fim:
        raise Refused(
            f"{engine.name} has no tokens for fill-in-the-middle, so it cannot read a suffix; leave it out.", "suffix"
        )
    max_tokens = fields.max_tokens or _MAX_TOKENS
    if max_tokens > engine.context:
        raise Refused(f"'max_tokens' is more than the model's context, {engine.context} tokens.", "max_tokens")
    asked = Asked(
        prompt=fields.prompt,
        suffix=fields.suffix or "",
        draft=fields.prediction.text if fields.prediction else "",
        max_tokens=max_tokens,
        temperature=_temperature(fields.temperature),
        n=fields.n or 1,
        stop=fields.stop,
        seed=fields.seed,
        top=fields.logprobs,
    )
    options = fields.stream_options
    return Asking(asked, bool(fields.stream), bool(options and options.include_usage))


def _temperature(wanted: float | None) -> float:
    if wanted is None:
        return _TEMPERATURE
    return 0.0 if wanted < _COLDEST else wanted
