"""What the top rung would have been asked with, had it always been asked first."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rung.cascade.attempt import Climb, Decision, Step

CHARACTERS_PER_TOKEN = 3.5
"""Of code, roughly; used only where the tokens of one answer were not counted on their own."""


@dataclass(frozen=True, slots=True)
class Basis:
    """Tokens of the prompt and of the answer that the top rung's price is multiplied with."""

    prompt: int
    answer: int


def basis(climb: Climb, top_rung: str) -> Basis | None:
    """The tokens of the rung that answered, else of the first that tried.

    None where nothing was tried, and where the top rung may not see the file. A self-tested rung was asked twice, for
    solutions and for tests, k times each; the top rung would have been asked once, for one solution.
    """
    step = answering_step(climb) or next((step for step in climb.steps if step.attempt), None)
    private = any(step.rung == top_rung and step.decision is Decision.PRIVATE for step in climb.steps)
    if step is None or step.attempt is None or private:
        return None
    usage, attempt = step.usage, step.attempt
    if attempt.self_test is None:
        return Basis(usage.prompt, usage.generated)
    answer = math.ceil(len(attempt.text) / CHARACTERS_PER_TOKEN)
    return Basis(usage.prompt // 2, min(answer, usage.generated))


def asked_cost(climb: Climb, top_rung: str) -> float | None:
    """$ that the top rung cost in this climb; None if it was not asked."""
    costs = [step.cost_usd for step in climb.steps if step.rung == top_rung and was_asked(step)]
    return sum(costs) if costs else None


def was_asked(step: Step) -> bool:
    """Whether the climb came as far as to the model."""
    if step.decision is Decision.DEADLINE:
        return step.seconds > 0  # time can be up before or in the middle
    return step.decision not in (Decision.SKIPPED, Decision.PRIVATE, Decision.OVER_BUDGET, Decision.REJECTED)


def answering_step(climb: Climb) -> Step | None:
    """The step whose attempt is shown."""
    return next((step for step in climb.steps if climb.answer and step.attempt == climb.answer), None)
