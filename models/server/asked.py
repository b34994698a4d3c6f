"""What the engine is asked, and what it says back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Reason = Literal["stop", "length", "doubt"]


class Refused(Exception):
    """The request cannot be answered, whoever asks again; the message is for the user's eyes.

    param: the field of the request that is at fault. code: OpenAI's word for it, if there is one.
    """

    def __init__(self, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.param = param
        self.code = code


class Busy(Exception):
    """Not now: too many wait, the model is being loaded, or the server is shutting down.

    seconds: after which to ask again.
    """

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class EngineFailed(Exception):
    """The engine broke under this request, which others did not notice."""

    def __init__(self, message: str = "The model failed under this request; the server's log says how.") -> None:
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Asked:
    """n samples of one prompt.

    suffix: what follows the place, for models with fill-in-the-middle tokens. draft: predicted text, to be verified.
    max_tokens: per sample. temperature: 0 is greedy. stop: a sample ends before the first of these strings.
    seed: None draws a new one. top: how many alternatives to each token are wanted beside its log-probability;
    None: no log-probabilities at all.
    """

    prompt: str
    suffix: str = ""
    draft: str = ""
    max_tokens: int = 16
    temperature: float = 1.0
    n: int = 1
    stop: tuple[str, ...] = ()
    seed: int | None = None
    top: int | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """A generated token. logprob: natural logarithm, at temperature 1. top: the likeliest tokens with theirs."""

    text: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """More of one sample. The texts of all its pieces are the sample's text: a stop string is never in them.

    tokens: those that were generated since the last piece; none where no log-probabilities were asked for. Their texts
    may run ahead of `text`, which is held back where a character is not whole or a stop string may have begun.
    """

    index: int
    text: str
    tokens: tuple[Scored, ...] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """A sample's end: at a stop string or end token, at `max_tokens`, or because Stop doubts the next token."""

    index: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Counted:
    """Tokens of the whole request; the last event.

    prompt: of the prompt. cached: those of it that were not computed again. generated: of all samples.
    accepted, rejected: of the draft, in all samples together.
    """

    prompt: int
    cached: int
    generated: int
    accepted: int
    rejected: int

    def __add__(self, other: Counted) -> Counted:
        return Counted(
            self.prompt + other.prompt,
            self.cached + other.cached,
            self.generated + other.generated,
            self.accepted + other.accepted,
            self.rejected + other.rejected,
        )


NOTHING = Counted(0, 0, 0, 0, 0)
Event = Piece | Ended | Counted


@dataclass(frozen=True, slots=True)
class Load:
    """The engine at one moment, and since its start.

    running, waiting: samples being decoded, and requests that wait. kept_tokens: in the prefix cache.
    layers, skipped: layers of one generated token that were computed, and those that Exit skipped. stopped: samples
    that Stop ended. steps: forward passes. tokens: of the requests that are over, and of those whose client went away,
    as far as they had come. failed: requests in a row that could not be computed, up to now.
    """

    running: int
    waiting: int
    kept_tokens: int
    layers: int
    skipped: int
    stopped: int
    steps: int
    tokens: Counted
    failed: int = 0
