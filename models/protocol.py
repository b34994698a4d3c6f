"""What every model of the ladder can do, and what it gives back.

ModelError                    anything a model could not do; the message is for the user's eyes
├── ModelUnavailable          no worker, no server, circuit open: trying again later may help
│   └── ModelTimeout          it was there and was too slow
├── ModelRefused              it said no: a wrong key, a wrong request, too many requests
└── InvalidResponse           it answered something that is not an answer
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Protocol


class ModelError(Exception):
    """A model could not answer; `str(error)` is one sentence that a user can act on.

    paid: whether the model worked for this request, or may have: then it may have cost something.
    """

    paid = False


class ModelUnavailable(ModelError):
    """No worker, no server or an open circuit."""


class ModelTimeout(ModelUnavailable):
    """The model did not connect, begin or end in the time it had."""

    paid = True


class ModelRefused(ModelError):
    """The server understood and said no (4xx)."""


class InvalidResponse(ModelError):
    """The bytes that came are not the protocol."""

    paid = True


@dataclass(frozen=True, slots=True)
class Prompt:
    """A place in a text: a generation's text continues exactly at the end of `prefix`.

    Models heal tokens themselves: a prefix may end in blanks or within a word.

    suffix: what follows; used only where the checkpoint has fill-in-the-middle tokens.
    draft: text the model may verify instead of generating (OpenAI's `prediction`).
    context: whole lines that the model reads before `prefix`, from elsewhere; the place is not in them.
    """

    prefix: str
    suffix: str = ""
    draft: str = ""
    context: str = ""

    @property
    def text(self) -> str:
        """All of it, for whoever counts or searches it."""
        return self.context + self.prefix + self.suffix + self.draft


class Priority(IntEnum):
    """Who waits for an answer. A local engine serves the smaller number first."""

    LINE = 0  # a user at a pause of the hand
    FUNCTION = 1  # a user who expects to wait: bodies, self-tests, further texts
    BACKGROUND = 2  # nobody yet


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to decode.

    max_tokens: per sample. temperature: 0 is greedy. n: samples of the one prompt.
    stop: a sample ends before the first of these strings. seed: None draws a new one.
    logprobs: whether they are needed; a model that has them at no cost gives them anyway.
    priority: a model whose requests share one machine serves them in this order.
    statement: a language, as LSP names it: a sample ends with the statement that the prompt ends in, as soon as that is
    certain; see `rung.models.statement`.
    next_line: with `statement`, the mean probability that the tokens of a sample must have so far for it to go on in
    the next line of its statement; else it ends with its line.
    doubt: (n, p): a sample ends after n tokens where their mean probability is below p (MCCom, routing).
    stop_nth: (a string, n): a sample also ends before its n-th occurrence.
    """

    max_tokens: int
    temperature: float = 0.0
    n: int = 1
    stop: tuple[str, ...] = ()
    seed: int | None = None
    logprobs: bool = True
    priority: Priority = Priority.LINE
    statement: str | None = None
    stop_nth: tuple[str, int] | None = None
    next_line: float = 0.0
    doubt: tuple[int, float] | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A generated token. logprob: natural logarithm, 0 or less."""

    text: str
    logprob: float

    @property
    def probability(self) -> float:
        """In [0, 1]; some servers round a certain token's logarithm to more than 0."""
        return math.exp(min(0.0, self.logprob))


def mean_probability(tokens: Sequence[Token]) -> float:
    """How sure a model is of what it wrote, in [0, 1]; 0 without tokens."""
    return sum(token.probability for token in tokens) / len(tokens) if tokens else 0.0


class FinishReason(StrEnum):
    """Why a sample ended: a stop string, the end of its statement or the end token, `max_tokens`, or `doubt`."""

    STOP = "stop"
    LENGTH = "length"
    DOUBT = "doubt"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that were paid for. The usage of a call is the sum over its generations.

    prompt: of the whole prompt, on the first generation of a call, 0 on the others.
    cached: those of `prompt` that were not evaluated again.
    counted: False where the server did not say and rung had to estimate.
    """

    prompt: int = 0
    cached: int = 0
    generated: int = 0
    accepted_draft: int = 0
    rejected_draft: int = 0
    counted: bool = True

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt + other.prompt,
            self.cached + other.cached,
            self.generated + other.generated,
            self.accepted_draft + other.accepted_draft,
            self.rejected_draft + other.rejected_draft,
            self.counted and other.counted,
        )


@dataclass(frozen=True, slots=True)
class Generation:
    """One sample. `tokens` may be empty where a server gives no log-probabilities.

    tokens: as generated, up to the one that ended the sample, whose stop string is not in `text`.
    seconds: from the call to its end.
    """

    text: str
    tokens: tuple[Token, ...]
    finish_reason: FinishReason
    usage: Usage
    seconds: float


OnToken = Callable[[int, Token], None]
OnSample = Callable[[int, str], None]


class Model(Protocol):
    """A rung's model."""

    @property
    def name(self) -> str: ...

    async def generate(
        self,
        prompt: Prompt,
        sampling: Sampling,
        on_token: OnToken | None = None,
        on_sample: OnSample | None = None,
    ) -> list[Generation]:
        """`sampling.n` samples of one prompt, in one call.

        on_token: called with (index of the sample, token) as tokens arrive.
        on_sample: called with (index of the sample, its text) when it has ended, where others have not.
        Cancelling the awaiting task stops the work within one token. Raises ModelError.
        """
        ...

    async def close(self) -> None:
        """Free what the model holds; more than once is allowed."""
        ...
