"""A recording's texts as programs and test lines: what is to be run for a problem."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from rung.cascade.bench.problem import Problem, function_task
from rung.cascade.cut import cut_body, program
from rung.cascade.prompts import NEXT_TEST_LINE, TOKENS_A_TEST_LINE
from rung.cascade.testlines import suite
from rung.cascade.tune.recording import Part, Recording, Sample


@dataclass(frozen=True, slots=True)
class Material:
    """Of one way of making texts, sampled or greedy.

    programs: of each solution; empty where nothing of it can be run. lines: for each l, the test lines of each text.
    solutions, texts: the samples that they come from.
    """

    programs: tuple[str, ...]
    lines: dict[int, tuple[tuple[str, ...], ...]]
    solutions: tuple[Sample, ...]
    texts: tuple[Sample, ...]

    def distinct_lines(self) -> list[str]:
        """Of all texts, for all l."""
        return list(dict.fromkeys(line for texts in self.lines.values() for text in texts for line in text))


def materials(problem: Problem, recording: Recording, ls: tuple[int, ...]) -> tuple[Material, ...]:
    """The sampled one, and the greedy one where there is one. ls: each at most the l of the recording.

    The problem is complete in the recording.
    """
    ways = (False, True) if recording.header.greedy else (False,)
    return tuple(_material(problem, recording, greedy=greedy, ls=ls) for greedy in ways)


def _material(problem: Problem, recording: Recording, *, greedy: bool, ls: tuple[int, ...]) -> Material:
    function = function_task(problem).function
    assert function is not None
    of_solutions = Part.GREEDY_SOLUTION if greedy else Part.SOLUTIONS
    of_tests = Part.GREEDY_TEST if greedy else Part.TESTS
    solutions = recording.entries[problem.id, of_solutions].samples
    texts = recording.entries[problem.id, of_tests].samples
    bodies = [cut_body(sample.text, function) for sample in solutions]
    names = frozenset({function.name})
    return Material(
        programs=tuple(program(function, body) if body else "" for body in bodies),
        lines={most: tuple(_lines(sample, names, most) for sample in texts) for most in ls},
        solutions=solutions,
        texts=texts,
    )


def _lines(sample: Sample, names: frozenset[str], l: int) -> tuple[str, ...]:  # noqa: E741  the paper's name
    return tuple(suite([f"assert{text_for(sample, l)}"], names, l))


def tokens_for(sample: Sample, l: int) -> int:  # noqa: E741
    """Generated tokens of a test text that is asked for l lines: it ends where line l + 1 begins.

    Of a text without tokens, in proportion to its characters.
    """
    kept = len(text_for(sample, l))
    if not sample.tokens:
        return -(-sample.generated * kept // max(len(sample.text), 1))
    if kept == len(sample.text):
        return min(sample.generated, TOKENS_A_TEST_LINE * l)
    ends = accumulate(map(len, sample.tokens))
    # It ended when all of the next line's beginning was there.
    end_of_next = kept + len(NEXT_TEST_LINE)
    needed = next((count for count, end in enumerate(ends, 1) if end >= end_of_next), len(sample.tokens))
    return min(needed, TOKENS_A_TEST_LINE * l)


def text_for(sample: Sample, l: int) -> str:  # noqa: E741
    """As it would have been, asked for l lines."""
    text = sample.text
    most = TOKENS_A_TEST_LINE * l
    if sample.tokens and len(sample.tokens) > most:
        text = text[: len("".join(sample.tokens[:most]))]
    return NEXT_TEST_LINE.join(text.split(NEXT_TEST_LINE, l)[:l])
