"""Recordings that others made: files of prompts with samples, as CodeT publishes them (Chen et al. 2023).

Their prompts may be shortened and in another order, and several problems may share a function's name, so a row is
matched to the problem whose prompt has most of its words.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import permutations
from pathlib import Path

from rung.cascade.bench.data import rows, text
from rung.cascade.bench.problem import Problem, ProblemSet, function_task
from rung.cascade.tune.recording import Entry, Header, Part, Recording, RecordingError, Sample
from rung.models.price import Price

_WORD = re.compile(r"\w+")
_WORD_OR_SIGN = re.compile(r"\w+|[^\w\s]")  # two prompts may differ in their brackets alone
_DEF = re.compile(r"^def[ \t]+(\w+)", re.MULTILINE)
_BROKEN_ASSERT = re.compile(r"^assert[ \t]*\n[ \t]+", re.MULTILINE)
_ALIKE = 0.5  # of all words; whole docstrings are left out in what is published
_MOST_OF_A_NAME = 7


@dataclass(frozen=True, slots=True)
class Row:
    """Samples of one prompt. number: of its line in the file, from 1."""

    number: int
    prompt: str
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """bytes_a_token: how the tokens of texts are estimated that come without a count."""

    rung: str
    model: str
    price: Price
    temperature: float
    bytes_a_token: float


def read_rows(path: Path) -> list[Row]:
    """Objects with `prompt` and `samples`, a list of texts. Raises DataMissing and RecordingError."""
    return [_row(path, number, row) for number, row in enumerate(rows(path), 1)]


def imported(
    problems: ProblemSet,
    solutions: Sequence[Row],
    tests: Sequence[Row],
    l: int,  # noqa: E741  the paper's name
    origin: Origin,
) -> Recording:
    """Of the problems that both have. l: the test lines for which a text is taken to have room. Raises RecordingError.

    Each problem keeps as many texts of both kinds as the shortest list has.
    """
    by_solution, by_test = matched(problems.problems, solutions), matched(problems.problems, tests)
    both = [problem for problem in problems.problems if problem.id in by_solution and problem.id in by_test]
    if not both:
        raise RecordingError("No problem of the set is in both files.")
    k = min(len(row.samples) for problem in both for row in (by_solution[problem.id], by_test[problem.id]))
    if k == 0:
        raise RecordingError("A prompt has no samples.")
    header = Header(
        set=problems.name,
        problems=len(problems.problems),
        digest=problems.digest,
        rung=origin.rung,
        model=origin.model,
        k=k,
        l=l,
        greedy=False,
        temperature=origin.temperature,
        body_tokens=0,
        line_tokens=0,
        price=origin.price,
        seed=None,
    )
    entries = [
        _entry(problem, part, row, k, origin)
        for problem in both
        for part, row in ((Part.SOLUTIONS, by_solution[problem.id]), (Part.TESTS, by_test[problem.id]))
    ]
    return Recording(header, {(entry.problem, entry.part): entry for entry in entries})


def matched(problems: Sequence[Problem], found: Sequence[Row]) -> Mapping[str, Row]:
    """Rows by the ids of their problems. Raises RecordingError where a row has no problem, or fits several equally."""
    by_name: dict[str, list[Row]] = defaultdict(list)
    for row in found:
        by_name[_name(row)].append(row)
    matches: dict[str, Row] = {}
    for name, group in by_name.items():
        candidates = [problem for problem in problems if _function_name(problem) == name]
        if len(group) > len(candidates):
            raise RecordingError(f"Line {group[-1].number}: the set has no problem left with a function {name!r}.")
        matches |= {problem.id: row for problem, row in _assigned(name, candidates, group)}
    return matches


def without_echo(sample: str, prompt: str) -> str:
    """A text that begins with the end of its prompt, without that."""
    for line in (match.end() - 1 for match in re.finditer("\n", prompt)):
        tail = prompt[line:]
        if len(tail.strip()) > 0 and sample.startswith(tail):
            return sample[len(tail) :]
    return sample


def assertions_of(sample: str) -> str:
    """What continues after `assert`, where each assertion begins on the line of its `assert`."""
    return _BROKEN_ASSERT.sub("assert ", f"assert {sample}").removeprefix("assert")


def _assigned(name: str, candidates: list[Problem], group: list[Row]) -> Iterator[tuple[Problem, Row]]:
    """The pairs that are alike in sum the most."""
    if len(candidates) > _MOST_OF_A_NAME:
        raise RecordingError(f"More than {_MOST_OF_A_NAME} problems have a function {name!r}.")
    alike = {
        (problem.id, row.number): _likeness(problem, row, _WORD_OR_SIGN) for problem in candidates for row in group
    }
    orders = sorted(
        permutations(candidates, len(group)),
        key=lambda order: -sum(alike[problem.id, row.number] for problem, row in zip(order, group, strict=True)),
    )
    values = [
        sum(alike[problem.id, row.number] for problem, row in zip(order, group, strict=True)) for order in orders[:2]
    ]
    if len(values) == 2 and values[0] == values[1]:
        raise RecordingError(f"Line {group[0].number}: several problems fit it equally ({name!r}).")
    for problem, row in zip(orders[0], group, strict=True):
        if _likeness(problem, row, _WORD) < _ALIKE:
            raise RecordingError(f"Line {row.number}: no problem of the set has this prompt ({name!r}).")
        yield problem, row


def _likeness(problem: Problem, row: Row, part: re.Pattern[str]) -> float:
    """The share of the row's parts that the problem's prompt has in the same order."""
    wanted, there = part.findall(row.prompt), part.findall(problem.prompt)
    same = sum(block.size for block in SequenceMatcher(None, wanted, there, autojunk=False).get_matching_blocks())
    return same / max(len(wanted), 1)


def _entry(problem: Problem, part: Part, row: Row, k: int, origin: Origin) -> Entry:
    clean = [assertions_of(sample) if part.of_tests else without_echo(sample, row.prompt) for sample in row.samples[:k]]
    samples = tuple(_sample(each, origin.bytes_a_token) for each in clean)
    usd = sum(sample.generated for sample in samples) * origin.price.output_usd / 1e6
    return Entry(problem.id, part, samples, usd, 0.0)


def _sample(clean: str, bytes_a_token: float) -> Sample:
    tokens = -(-len(clean.encode("utf-8", "replace")) // bytes_a_token)
    return Sample(clean, (), (), "unknown", 0, int(tokens), counted=False, seconds=0.0)


def _row(path: Path, number: int, row: dict[str, object]) -> Row:
    where = f"{path}, line {number}"
    samples = row.get("samples")
    if not isinstance(samples, list) or not all(isinstance(sample, str) for sample in samples):
        raise RecordingError(f"{where} has no list of texts `samples`.")
    found = Row(number, text(row, "prompt", where), tuple(samples))
    if not _DEF.search(found.prompt):
        raise RecordingError(f"{where}: its prompt defines no function.")
    return found


def _name(row: Row) -> str:
    return _DEF.findall(row.prompt)[-1] or ""


def _function_name(problem: Problem) -> str:
    function = function_task(problem).function
    return function.name if function else ""
