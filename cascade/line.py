"""One rung's attempt at the rest of a line."""

from __future__ import annotations

from dataclasses import dataclass

from rung.cascade.attempt import Attempt
from rung.cascade.cut import cut_line
from rung.cascade.ladder import Rung
from rung.cascade.prompts import LINE_STOPS, LINE_TOKENS, prompt_here
from rung.cascade.score import confidence
from rung.cascade.spending import Meter
from rung.cascade.task import Task
from rung.models.protocol import Sampling

# Of the further samples when several were asked for.
_TEMPERATURE = 0.8


@dataclass(frozen=True, slots=True)
class LineAttempt:
    """several: how many different texts are wanted; the first is greedy, only it is scored.

    scored: False where the attempt is adopted whatever its score.
    """

    task: Task
    rung: Rung
    meter: Meter
    several: int = 1
    scored: bool = True

    async def run(self) -> Attempt:
        """Raises ModelError."""
        prompt = prompt_here(self.task, self.rung, LINE_TOKENS)
        (greedy,) = await self.meter.generate(prompt, Sampling(LINE_TOKENS, stop=LINE_STOPS, logprobs=self.scored))
        others: list[str] = []
        if self.several > 1:
            sampling = Sampling(LINE_TOKENS, _TEMPERATURE, self.several - 1, LINE_STOPS, logprobs=False)
            others = [sample.text for sample in await self.meter.generate(prompt, sampling)]
        text = cut_line(greedy.text, self.task.suffix)
        cut = dict.fromkeys(cut_line(other, self.task.suffix) for other in others)
        return Attempt(
            rung=self.rung.name,
            text=text,
            score=confidence(greedy.tokens) if self.scored or greedy.tokens else None,
            others=tuple(other for other in cut if other.strip() and other != text),
        )
