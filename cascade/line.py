"""One rung's attempt at the rest of a line."""

from __future__ import annotations

from dataclasses import replace

from rung.cascade.attempt import Attempt
from rung.cascade.cut import cut_line
from rung.cascade.ladder import Rung
from rung.cascade.prompts import LINE_STOPS, LINE_TOKENS, SAMPLING_TEMPERATURE, prompt_here
from rung.cascade.score import confidence
from rung.cascade.spending import Meter
from rung.cascade.task import Task
from rung.models.protocol import Priority, Prompt, Sampling


async def attempt_line(task: Task, rung: Rung, meter: Meter, *, scored: bool) -> Attempt:
    """One greedy text, scored by its confidence. scored: False where it is adopted whatever its score.

    Raises ModelError.
    """
    prompt, sampling = line_call(task, rung)
    (greedy,) = await meter.generate(prompt, replace(sampling, logprobs=scored))
    return Attempt(
        rung=rung.name,
        text=cut_line(greedy.text, task.suffix),
        score=confidence(greedy.tokens) if scored or greedy.tokens else None,
    )


async def other_lines(task: Task, rung: Rung, meter: Meter, count: int) -> list[str]:
    """At most `count` further texts, sampled, no two the same. Raises ModelError."""
    samples = await meter.generate(*other_lines_call(task, rung, count))
    texts = dict.fromkeys(cut_line(sample.text, task.suffix) for sample in samples)
    return [text for text in texts if text.strip()]


def line_call(task: Task, rung: Rung) -> tuple[Prompt, Sampling]:
    """What `attempt_line` asks."""
    sampling = Sampling(LINE_TOKENS, stop=LINE_STOPS, priority=Priority.LINE, statement=task.language)
    return prompt_here(task, rung, LINE_TOKENS), sampling


def other_lines_call(task: Task, rung: Rung, count: int) -> tuple[Prompt, Sampling]:
    """What `other_lines` asks. Not before another user's line: the answer is found already."""
    sampling = Sampling(
        LINE_TOKENS, SAMPLING_TEMPERATURE, count, LINE_STOPS, logprobs=False, priority=Priority.FUNCTION
    )
    return prompt_here(task, rung, LINE_TOKENS), sampling
