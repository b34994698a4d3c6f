"""Measures checkpoints beside each other: what they take, how fast they are, and what they write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rung.cascade.bench.begin import Begin
from rung.cascade.bench.comments import COMMENT_TOKENS, COMMENTS
from rung.cascade.bench.greedy import LineTask, Speed, Written, measure_speed, write_lines
from rung.models.llama import LlamaModel

_CONTEXT = 2048


@dataclass(frozen=True, slots=True)
class Subject:
    """A checkpoint to measure. reference: the name of another whose greedy texts its own are compared with."""

    name: str
    path: Path
    size: int
    reference: str


@dataclass(frozen=True, slots=True)
class Tasks:
    """code: of HumanEval and of source trees; comments are always the same."""

    humaneval: Sequence[LineTask]
    source: Sequence[LineTask]
    comments: Sequence[LineTask] = COMMENTS

    @property
    def count(self) -> int:
        return len(self.humaneval) + len(self.source) + len(self.comments)

    def code_texts(self) -> list[str]:
        return [task.before + task.line for task in (*self.humaneval, *self.source)]

    def comment_texts(self) -> list[str]:
        return [task.before for task in self.comments]


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one checkpoint. speed: the median of each figure over the turns. cuts: the bytes of each text's tokens."""

    subject: Subject
    vocabulary: int
    speed: Speed
    humaneval: Written
    source: Written
    comments: Written
    code_cuts: list[list[bytes]]
    comment_cuts: list[list[bytes]]


async def measure_checkpoints(
    subjects: Sequence[Subject],
    tasks: Tasks,
    *,
    turns: int,
    threads: int,
    begin: Begin,
) -> list[Measured]:
    """All of them. Speeds are taken in `turns`, one checkpoint after another in each, so that a slow minute hits all.

    begin: told what begins and its steps; what it gives back is called after each step.
    Raises ModelError and ReshapeFailed.
    """
    code = "\n".join(task.before for task in tasks.humaneval)
    speeds: dict[str, list[Speed]] = {subject.name: [] for subject in subjects}
    step = begin("speed", turns * len(subjects))
    for turn in range(turns):
        for subject in subjects:
            async with _loaded(subject, threads) as model:
                speeds[subject.name].append(await measure_speed(model, code, turn))
            step()
    return [await _write(subject, tasks, _medians(speeds[subject.name]), threads, begin) for subject in subjects]


async def _write(
    subject: Subject,
    tasks: Tasks,
    speed: Speed,
    threads: int,
    begin: Begin,
) -> Measured:
    from rung.models.reshape import pieces, vocabulary_size  # here: every command of rung imports this module

    step = begin(subject.name, tasks.count)
    async with _loaded(subject, threads) as model:
        humaneval = await write_lines(model, tasks.humaneval, step)
        source = await write_lines(model, tasks.source, step)
        comments = await write_lines(model, tasks.comments, step, COMMENT_TOKENS)
    texts = tasks.code_texts()
    cuts = await asyncio.to_thread(pieces, subject.path, texts + tasks.comment_texts())
    return Measured(
        subject=subject,
        vocabulary=await asyncio.to_thread(vocabulary_size, subject.path),
        speed=speed,
        humaneval=humaneval,
        source=source,
        comments=comments,
        code_cuts=cuts[: len(texts)],
        comment_cuts=cuts[len(texts) :],
    )


@asynccontextmanager
async def _loaded(subject: Subject, threads: int) -> AsyncIterator[LlamaModel]:
    model = LlamaModel(subject.name, subject.path, context=_CONTEXT, threads=threads)
    try:
        await model.start()
        yield model
    finally:
        await model.close()


def _medians(speeds: Sequence[Speed]) -> Speed:
    return Speed(
        median(speed.prompt for speed in speeds),
        median(speed.one for speed in speeds),
        median(speed.ten for speed in speeds),
    )
