"""Models, gates and testers that do what a test says, and count."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from rung.cascade.gate import Refused
from rung.cascade.ladder import Rung
from rung.cascade.task import Function, Task, TaskKind
from rung.models.price import Price
from rung.models.protocol import FinishReason, Generation, ModelError, OnSample, Prompt, Sampling, Token, Usage

LINE = Task(TaskKind.LINE, "x = ", "\n")
ADD = Function("add", "def add(a, b):\n", "", "    ")
FUNCTION = Task(TaskKind.FUNCTION, ADD.header, "", function=ADD)
PRICE = Price(1.0, 2.0)

OnToken = Callable[[int, Token], None] | None
Behaviour = Callable[[Prompt, Sampling, OnToken], Awaitable[list[Generation]]]


@dataclass
class FakeModel:
    """calls: what it was asked. running: calls under way. cancelled: calls that were cut off."""

    behaviour: Behaviour
    name: str = "fake"
    calls: list[tuple[Prompt, Sampling]] = field(default_factory=list)
    running: int = 0
    cancelled: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def generate(
        self, prompt: Prompt, sampling: Sampling, on_token: OnToken = None, on_sample: OnSample | None = None
    ) -> list[Generation]:
        self.calls.append((prompt, sampling))
        self.running += 1
        self.asked.set()
        try:
            return await self.behaviour(prompt, sampling, on_token)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1

    async def close(self) -> None:
        raise AssertionError("a climb closes no model")


def generation(text: str, probability: float = 0.9, usage: Usage | None = None) -> Generation:
    tokens = (Token(text, math.log(probability)),) if probability else ()
    return Generation(text, tokens, FinishReason.STOP, usage or Usage(prompt=10, generated=1), 0.0)


def says(*texts: str, probability: float = 0.9) -> Behaviour:
    """The n-th sample of a call is the n-th text, and all later ones the last."""

    async def behave(_: Prompt, sampling: Sampling, __: OnToken) -> list[Generation]:
        return [generation(texts[min(index, len(texts) - 1)], probability) for index in range(sampling.n)]

    return behave


def writes(bodies: Sequence[str], tests: Sequence[str]) -> Behaviour:
    """Bodies where a solution is asked for, tests (after `assert`) where the prompt asks for them."""

    async def behave(prompt: Prompt, sampling: Sampling, _: OnToken) -> list[Generation]:
        texts = tests if prompt.prefix.endswith("assert") else bodies
        assert len(texts) == sampling.n
        return [generation(text) for text in texts]

    return behave


def fails(error: ModelError) -> Behaviour:
    async def behave(*_: object) -> list[Generation]:
        raise error

    return behave


def hangs(tokens: int) -> Behaviour:
    """So many tokens, then nothing."""

    async def behave(_: Prompt, __: Sampling, on_token: OnToken) -> list[Generation]:
        assert on_token
        for _number in range(tokens):
            on_token(0, Token("x", -0.1))
        return await asyncio.Event().wait() and []

    return behave


def rung(name: str, behaviour: Behaviour, *, remote: bool = False, k: int = 0, theta: float | None = None) -> Rung:
    override = {} if theta is None else {TaskKind.LINE: theta, TaskKind.FUNCTION: theta}
    price = PRICE if remote else Price()
    return Rung(name, FakeModel(behaviour), remote, k=k, l=0 if k == 0 else 4, theta=override, price=price)


def model_of(asked: Rung) -> FakeModel:
    assert isinstance(asked.model, FakeModel)
    return asked.model


@dataclass
class FakePass:
    """state: "reserved" until it is settled or released."""

    rung: str
    tokens: int
    usd: float
    state: str = "reserved"
    usage: Usage = field(default_factory=Usage)
    spent_usd: float = 0.0
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def settle(self, usage: Usage, usd: float) -> None:
        assert self.state == "reserved"
        await asyncio.sleep(0)  # as a database would
        self.state, self.usage, self.spent_usd = "settled", usage, usd
        self.closed.set()

    async def release(self) -> None:
        assert self.state == "reserved"
        await asyncio.sleep(0)
        self.state = "released"
        self.closed.set()


@dataclass
class FakeGate:
    """Refuses what it is told to."""

    secret: bool = False
    poor: bool = False
    texts: list[str] = field(default_factory=list)
    passes: list[FakePass] = field(default_factory=list)

    async def private(self, task: Task, text: str) -> Refused | None:
        self.texts.append(text)
        return Refused("it holds a secret") if self.secret else None

    async def reserve(self, request: str, rung: Rung, *, tokens: int, usd: float) -> FakePass | Refused:
        if self.poor:
            return Refused("the budget is used up")
        self.passes.append(FakePass(rung.name, tokens, usd))
        return self.passes[-1]


@dataclass
class TableCells:
    """Knows at once."""

    passes: Callable[[str, str], bool]
    programs: list[str] = field(default_factory=list)
    tests: list[str] = field(default_factory=list)
    complete: bool = True

    def add(self, programs: Sequence[str], tests: Sequence[str]) -> None:
        self.programs += programs
        self.tests += tests

    def passed(self, program: int, test: int) -> bool | None:
        return self.passes(self.programs[program], self.tests[test])

    async def more(self) -> None:
        await asyncio.Event().wait()


@dataclass
class TableTester:
    """A program passes a test line where `passes` says so. sessions: what was run in each."""

    passes: Callable[[str, str], bool]
    sessions: list[TableCells] = field(default_factory=list)

    @property
    def runs(self) -> list[tuple[list[str], list[str]]]:
        """The programs and tests of each session that had something to run."""
        return [(each.programs, each.tests) for each in self.sessions if each.programs and each.tests]

    @contextlib.asynccontextmanager
    async def cells(self) -> AsyncIterator[TableCells]:
        self.sessions.append(TableCells(self.passes))
        yield self.sessions[-1]
