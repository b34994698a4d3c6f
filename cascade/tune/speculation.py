"""Speculative decoding of a pair of rungs, beside the ladders (Chen et al. 2024, section 4.4 and table 3).

The small rung's greedy solution is the large one's draft, which verifies it: the text is the large rung's own, and so
is the accuracy; only the time, and with it the price of a token, is another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rung.cascade.bench.problem import Problem, function_task
from rung.cascade.function import solution_call
from rung.cascade.ladder import Rung
from rung.cascade.tune.recording import Part, Recording
from rung.cascade.tune.results import Speculative
from rung.models.price import Price
from rung.models.protocol import Usage


@dataclass(frozen=True, slots=True)
class Measured:
    """Sums over the problems. seconds: of decoding the target's solutions, alone and with drafts. other: how many texts
    were not the same, which rounding can do. hit: share of the target's tokens that the draft had right.
    """

    problems: int
    tokens: int
    accepted: int
    seconds_alone: float
    seconds_drafted: float
    other: int

    @property
    def hit(self) -> float:
        return self.accepted / max(self.tokens, 1)

    @property
    def time_ratio(self) -> float:
        return self.seconds_drafted / self.seconds_alone if self.seconds_alone else 1.0


async def measure(
    problems: Sequence[Problem], draft: Recording, alone: Rung, drafted: Rung, on_problem: Callable[[], None]
) -> Measured:
    """The target's greedy solutions with and without drafts, in turns, the prompts evaluated before.

    draft: with greedy solutions of these problems. alone, drafted: the target without drafts of its own, and with; a
    local one then also drafts from matches in the prompt. Raises ModelError.
    """
    targets = (alone, drafted)
    tokens = accepted = other = 0
    seconds = [0.0, 0.0]
    for number, problem in enumerate(problems):
        task = function_task(problem)
        assert task.function is not None
        prompt, sampling = solution_call(task, task.function, alone, k=0)
        text = draft.entries[problem.id, Part.GREEDY_SOLUTION].samples[0].text
        prompts = (prompt, replace(prompt, draft=text))
        for target in targets:
            await target.model.generate(prompt, replace(sampling, max_tokens=1))
        texts = ["", ""]
        for way in (0, 1) if number % 2 else (1, 0):
            (generation,) = await targets[way].model.generate(prompts[way], sampling)
            texts[way] = generation.text
            seconds[way] += generation.seconds
            if way == 1:
                tokens += generation.usage.generated
                accepted += generation.usage.accepted_draft
        other += texts[0] != texts[1]
        on_problem()
    return Measured(len(problems), tokens, accepted, seconds[0], seconds[1], other)


def point(
    label: str, measured: Measured, accuracy: float, target_dollars: float, draft: Recording, draft_price: Price
) -> Speculative:
    """accuracy, target_dollars: of the target's greedy solutions alone, a problem. All of its price is taken to be for
    time, as in the paper, its prompt's too.
    """
    greedy = [entry for entry in draft.entries.values() if entry.part is Part.GREEDY_SOLUTION]
    samples = [sample for entry in greedy for sample in entry.samples]
    usage = Usage(prompt=sum(each.prompt for each in samples), generated=sum(each.generated for each in samples))
    of_draft = draft_price.of(usage) / max(len(greedy), 1)
    return Speculative(label, accuracy, of_draft + target_dollars * measured.time_ratio, measured.hit)


def cost_reduction(alone: float, speculative: float) -> float:
    """Table 3's last column, as a share: $ per million tokens of the target alone, and with drafts."""
    return 1 - speculative / alone
