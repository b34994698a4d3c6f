"""What servers stream, checked: everything in it is untrusted."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rung.models.protocol import Token

DONE = "[DONE]"

# float32 softmax rounds: a probability of 1 may come as a logarithm just above 0
_ROUNDING = 1e-3

_Count = Annotated[int, Field(ge=0, le=10_000_000)]
_Logprob = Annotated[float, Field(le=_ROUNDING, allow_inf_nan=False)]


class _Wire(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class ClassicLogprobs(_Wire):
    """OpenAI's completions; llama-cpp-python, vLLM."""

    tokens: list[str]
    token_logprobs: list[_Logprob | None]

    def read(self) -> list[Token]:
        if len(self.tokens) != len(self.token_logprobs):
            raise BadChunk("it gives more tokens than log-probabilities, or fewer")
        # None: a token of the prompt, which has no probability
        return [_token(t, p) for t, p in zip(self.tokens, self.token_logprobs, strict=True) if p is not None]


class _ContentToken(_Wire):
    token: str
    logprob: _Logprob


class ContentLogprobs(_Wire):
    """OpenAI's chat form, which llama-server gives for completions too."""

    content: list[_ContentToken] | None

    def read(self) -> list[Token]:
        return [_token(entry.token, entry.logprob) for entry in self.content or ()]


class Choice(_Wire):
    """A piece of one sample."""

    index: _Count = 0
    text: str | None = None
    logprobs: ClassicLogprobs | ContentLogprobs | None = None
    finish_reason: str | None = None


class _PromptDetails(_Wire):
    cached_tokens: _Count | None = None


class _CompletionDetails(_Wire):
    accepted_prediction_tokens: _Count | None = None
    rejected_prediction_tokens: _Count | None = None


class WireUsage(_Wire):
    """What the server counted."""

    prompt_tokens: _Count
    completion_tokens: _Count = 0
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None

    @property
    def cached(self) -> int:
        details = self.prompt_tokens_details
        return min(self.prompt_tokens, (details and details.cached_tokens) or 0)

    @property
    def accepted_draft(self) -> int:
        details = self.completion_tokens_details
        return (details and details.accepted_prediction_tokens) or 0

    @property
    def rejected_draft(self) -> int:
        details = self.completion_tokens_details
        return (details and details.rejected_prediction_tokens) or 0


class Chunk(_Wire):
    """One event of the stream. error: some servers fail in the middle of a stream and say so."""

    choices: list[Choice] = []
    usage: WireUsage | None = None
    error: object = None


class BadChunk(Exception):
    """An event that is not of the protocol; the message says in what, without its content."""


def read_chunk(data: str) -> Chunk:
    """Raises BadChunk."""
    try:
        return Chunk.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"][:6]) or "an event"
        raise BadChunk(f"{where} is wrong: {first['msg']}") from None


def _token(text: str, logprob: float) -> Token:
    return Token(text, min(0.0, logprob))
