"""The time to the first token: of a new prompt, of the same again, and after one line was changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rung.models.bench.series import Rounds, Series, turns
from rung.models.bench.texts import Texts, with_changed_line
from rung.models.bench.work import Contestant, Work

COLD = "first token, cold"
WARM = "first token, same prompt again"
NEAR_END = "first token, a line near the end changed"
MIDDLE = "first token, a line in the middle changed"
_NEAR_END_SHARE = 0.97
_TOKENS_A_SAMPLE = 2  # the first token of some prompts only completes a word that was typed


def evaluated(quantity: str) -> str:
    """The name of the row that counts the tokens evaluated for it."""
    return quantity.replace("first token, ", "evaluated, ")


def steps(contestants: Sequence[Contestant], rounds: int) -> int:
    return 4 * rounds * len(contestants)


async def measure(
    contestants: Sequence[Contestant], texts: Texts, rounds: int, tokens: int, on_step: Callable[[], None]
) -> list[Series]:
    """tokens: of the prompt, about. Greedy. Raises BenchFailed."""
    values = Rounds()
    for number in range(rounds):
        text = texts.fresh(tokens)
        asked = {
            COLD: text,
            WARM: text,
            NEAR_END: with_changed_line(text, _NEAR_END_SHARE),
            MIDDLE: with_changed_line(text, 0.5),
        }
        for contestant in turns(contestants, number):
            for quantity, prompt in asked.items():
                answer = await contestant.ask(Work(prompt, _TOKENS_A_SAMPLE, temperature=0.0))
                values.add(quantity, contestant.name, "ms", answer.first_token_s * 1000)
                values.add(evaluated(quantity), contestant.name, "tokens", answer.evaluated)
                on_step()
    return values.series()
