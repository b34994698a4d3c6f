"""One rung's attempt at the rest of a line or statement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rung.cascade.attempt import Attempt
from rung.cascade.cut import cut_line
from rung.cascade.ladder import Rung
from rung.cascade.prompts import LINE_TOKENS, SAMPLING_TEMPERATURE, prompt_here
from rung.cascade.score import CONFIDENCE_TOKENS, confidence
from rung.cascade.spending import Meter
from rung.cascade.syntax import still_parses
from rung.cascade.task import Task
from rung.models.protocol import FinishReason, Priority, Prompt, Sampling, Token

# The mean probability that the tokens of a text must have so far for its statement to be shown beyond its first line.
SURE = 0.9
UNPARSED = "Python would not parse with it"


async def attempt_line(
    task: Task,
    rung: Rung,
    meter: Meter,
    *,
    theta: float | None,
    whole: bool = False,
    priority: Priority = Priority.LINE,
    on_text: Callable[[str], None] = lambda _: None,
) -> Attempt:
    """One greedy text, scored by its confidence; one that Python does not parse has score 0 and is not shown.

    So has one that a server ended because the model was about to be wrong, but it may be shown.

    theta: given up after its first tokens where its score is below; None: it is adopted whatever its score.
    whole: not given up. on_text: told what is written so far, before it is cut. Raises ModelError.
    """
    prompt, sampling = line_call(task, rung)
    sampling = replace(sampling, priority=priority)
    if theta is None:
        sampling = replace(sampling, logprobs=not rung.remote)
    elif not whole:
        sampling = replace(sampling, doubt=(CONFIDENCE_TOKENS, theta))
    written: list[str] = []

    def tell(_: int, token: Token) -> None:
        written.append(token.text)
        on_text("".join(written))

    (greedy,) = await meter.generate(prompt, sampling, tell)
    score = confidence(greedy.tokens) if sampling.logprobs or greedy.tokens else None
    doubted = greedy.finish_reason is FinishReason.DOUBT
    if doubted and sampling.doubt is not None and (score or 0.0) < sampling.doubt[1]:
        return Attempt(rung.name, greedy.text, score, begun=True)
    text = cut_line(greedy.text, task)
    if text.strip() and not _fits(text, task):
        return Attempt(rung.name, "", 0.0, why_empty=UNPARSED)
    # Else it was the server that stopped (Stop & Exit): what it wrote stands, and it would not have got the rest right.
    return Attempt(rung.name, text, 0.0 if doubted and theta is not None else score)


async def other_lines(task: Task, rung: Rung, meter: Meter, count: int) -> list[str]:
    """At most `count` further texts, sampled, no two the same. Raises ModelError."""
    samples = await meter.generate(*other_lines_call(task, rung, count))
    texts = dict.fromkeys(cut_line(sample.text, task) for sample in samples)
    return [text for text in texts if text.strip() and _fits(text, task)]


def line_call(task: Task, rung: Rung) -> tuple[Prompt, Sampling]:
    """What `attempt_line` asks."""
    return prompt_here(task, rung, LINE_TOKENS), _sampling(task, rung)


def other_lines_call(task: Task, rung: Rung, count: int) -> tuple[Prompt, Sampling]:
    """What `other_lines` asks. Not before another user's line: the answer is found already."""
    sampling = replace(
        _sampling(task, rung), temperature=SAMPLING_TEMPERATURE, n=count, logprobs=False, priority=Priority.FUNCTION
    )
    return replace(prompt_here(task, rung, LINE_TOKENS), draft=""), sampling


def _sampling(task: Task, rung: Rung) -> Sampling:
    # A server that is told where to stop counts what it used; one whose stream is closed does not.
    one_line = rung.remote and not task.several_lines
    return Sampling(
        LINE_TOKENS,
        stop=("\n",) if one_line else (),
        priority=Priority.LINE,
        statement=task.language,
        next_line=0.0 if task.several_lines else SURE,
    )


def _fits(text: str, task: Task) -> bool:
    return task.language != "python" or still_parses(text, task.prefix, task.suffix)
