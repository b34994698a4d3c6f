"""A recording's texts as programs and test lines: what is to be run for a problem."""

from __future__ import annotations

from dataclasses import dataclass

from rung.cascade.bench.problem import Problem, function_task
from rung.cascade.cut import cut_body, program
from rung.cascade.prompts import TOKENS_A_TEST_LINE
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


def material(problem: Problem, recording: Recording, *, greedy: bool, ls: tuple[int, ...]) -> Material:
    """ls: each at most the l of the recording. The problem is complete in the recording."""
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
    return tuple(suite([f"assert{test_text(sample, l)}"], names, l))


def test_tokens(sample: Sample, l: int) -> int:  # noqa: E741  the paper's name
    """Generated tokens of a test text that is asked for l lines.

    Of a text without tokens, in proportion to its characters up to the end of its l-th assertion: who recorded it had
    other limits.
    """
    if sample.tokens:
        return min(sample.generated, TOKENS_A_TEST_LINE * l)
    kept = _assertions(sample.text, l)
    return -(-sample.generated * len(kept) // max(len(sample.text), 1))


def test_text(sample: Sample, l: int) -> str:  # noqa: E741
    """As it would have been, asked for l lines."""
    if not sample.tokens:
        return _assertions(sample.text, l)
    most = TOKENS_A_TEST_LINE * l
    if len(sample.tokens) <= most:
        return sample.text
    return sample.text[: len("".join(sample.tokens[:most]))]


def _assertions(text: str, l: int) -> str:  # noqa: E741
    """Up to the line that begins another assertion than the first l."""
    lines = f"assert{text}".split("\n")
    begins = [at for at, line in enumerate(lines) if line.startswith("assert")]
    kept = lines if len(begins) <= l else lines[: begins[l]]
    return "\n".join(kept).removeprefix("assert")
