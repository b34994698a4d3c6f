"""Greedy lines of a model, compared with the right ones and with those of another model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from rung.cascade.cut import cut_line
from rung.cascade.ladder import Rung
from rung.cascade.line import line_call
from rung.cascade.prompts import LINE_TOKENS
from rung.cascade.task import Task, TaskKind
from rung.models.protocol import Model, Prompt, Sampling

_CONTEXT = 2048
_PROMPT_CHARACTERS = 1600
_DECODED_TOKENS = 64
_TEMPERATURE = 0.8  # sampled, so that no draft from the context is taken for the speed of the model


@dataclass(frozen=True, slots=True)
class LineTask:
    """A line to go on with after `before`; nothing that follows is shown. line: the right one."""

    before: str
    line: str


@dataclass(frozen=True, slots=True)
class Written:
    """What a model wrote for each task, and the mean seconds it took."""

    texts: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """same: share of identical texts. prefix: characters that both begin with, on average; of: the reference's have."""

    same: float
    prefix: float
    of: float


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens per second: of a prompt that is in no cache, and of what follows it in 1 and in 10 sequences."""

    prompt: float
    one: float
    ten: float


async def write_lines(
    model: Model, tasks: Sequence[LineTask], on_task: Callable[[], None], max_tokens: int = LINE_TOKENS
) -> Written:
    """One after another, as the ladder asks a local rung. Raises ModelError."""
    rung = Rung(model.name, model, context=_CONTEXT)
    texts, seconds = [], 0.0
    for task in tasks:
        prompt, sampling = line_call(_task(task), rung)
        (generation,) = await model.generate(prompt, replace(sampling, max_tokens=max_tokens))
        texts.append(cut_line(generation.text, _task(task)))
        seconds += generation.seconds
        on_task()
    return Written(tuple(texts), seconds / max(len(tasks), 1))


def exact(written: Written, tasks: Sequence[LineTask]) -> float:
    """The share of right lines; blanks around them do not count."""
    right = sum(text.strip() == task.line.strip() for text, task in zip(written.texts, tasks, strict=True))
    return right / max(len(tasks), 1)


def agreement(texts: Sequence[str], reference: Sequence[str]) -> Agreement:
    """Of the same tasks' texts."""
    count = max(len(texts), 1)
    pairs = list(zip(texts, reference, strict=True))
    return Agreement(
        same=sum(one == other for one, other in pairs) / count,
        prefix=sum(_common(one, other) for one, other in pairs) / count,
        of=sum(map(len, reference)) / count,
    )


async def measure_speed(model: Model, code: str, turn: int) -> Speed:
    """Of one turn; `turn` makes the prompt a new one. code: at least 1,600 characters of it. Raises ModelError."""
    prompt = Prompt(f"# {turn}\n{code}"[:_PROMPT_CHARACTERS].rstrip())
    (first,) = await model.generate(prompt, Sampling(1))
    (one,) = await model.generate(prompt, Sampling(_DECODED_TOKENS, _TEMPERATURE, seed=turn))
    ten = await model.generate(prompt, Sampling(_DECODED_TOKENS, _TEMPERATURE, 10, seed=turn))
    return Speed(
        prompt=(first.usage.prompt - first.usage.cached) / first.seconds,
        one=one.usage.generated / one.seconds,
        ten=sum(sample.usage.generated for sample in ten) / max(sample.seconds for sample in ten),
    )


def _task(task: LineTask) -> Task:
    return Task(TaskKind.LINE, task.before, "")


def _common(one: str, other: str) -> int:
    same = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return sum(1 for _ in same)
