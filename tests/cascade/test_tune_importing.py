"""Recordings that others made: matched to their problems, and cleaned of what the form of their prompts left."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from rung.cascade.bench.data import DataMissing, folder
from rung.cascade.bench.problem import Problem, ProblemSet, function_task
from rung.cascade.bench.sets import problem_set
from rung.cascade.testlines import suite
from rung.cascade.tune.importing import Origin, Row, assertions_of, imported, matched, read_rows, without_echo
from rung.cascade.tune.material import text_for, tokens_for
from rung.cascade.tune.recording import Part, RecordingError
from rung.models.price import Price

ORIGIN = Origin("large", "large", Price(0.0, 10.0), 0.8, 3.0)


def problem(number: int, name: str, doc: str) -> Problem:
    return Problem(f"p{number}", f'def {name}(x):\n    """{doc}\n    >>> {name}(1)\n    2\n    """\n', name, "f()")


AREA_OF_THREE = problem(0, "area", "The area of a triangle with three given sides.")
AREA_OF_BASE = problem(1, "area", "Half of base times height, for a triangle.")
OTHER = problem(2, "other", "Something else.")
SAME = (problem(3, "same", "Twins."), problem(4, "same", "Twins."))
SET = ProblemSet("made", (AREA_OF_THREE, AREA_OF_BASE, OTHER, *SAME))


def row(number: int, name: str, doc: str, *samples: str) -> Row:
    return Row(number, f'def {name}(x):\n    """{doc}\n    """\n', samples or ("    return x\n",))


def test_rows_of_one_name_go_to_the_problems_that_say_what_they_say() -> None:
    rows = [
        row(1, "area", "Half of base times height, for a triangle."),
        row(2, "other", "Something else."),
        row(3, "area", "The area of a triangle with three given sides."),
    ]
    found = matched(SET.problems, rows)
    assert {name: each.number for name, each in found.items()} == {"p1": 1, "p2": 2, "p0": 3}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([row(1, "nowhere", "Something.")], "Line 1: the set has no problem left with a function 'nowhere'"),
        ([row(1, "other", "Something else."), row(2, "other", "Something else.")], "Line 2"),
        ([Row(1, "def same(x):\n    pass\n", ("",))], "Line 1: several problems fit it equally"),
        ([row(1, "other", "Completely different words stand here, about birds and fish and rain.")], "Line 1: no prob"),
    ],
)
def test_a_row_without_a_problem_is_refused(rows: list[Row], said: str) -> None:
    with pytest.raises(RecordingError, match=said):
        matched(SET.problems, rows)


def test_an_imported_rung_has_texts_estimates_and_no_greedy_ones() -> None:
    solutions = [row(1, "other", "Something else.", "    return 1\n", "    return 2\n", "    return 3\n")]
    tests = [row(1, "other", "Something else.", "\n    other(1) == 2\nassert \n    other(2) == 3\nassert", "\n")]
    recording = imported(SET, solutions, tests, 4, ORIGIN)
    assert (recording.header.k, recording.header.greedy, recording.header.seed) == (2, False, None)
    assert not recording.complete("p0")
    assert recording.complete("p2")
    texts = recording.entries["p2", Part.TESTS].samples
    assert texts[0].text == " other(1) == 2\nassert other(2) == 3\nassert"
    assert all(not sample.counted for sample in texts)
    solved = recording.entries["p2", Part.SOLUTIONS]
    assert [sample.generated for sample in solved.samples] == [5, 5]
    assert solved.usd == pytest.approx(10 * 10.0 / 1e6)


def test_the_end_of_the_prompt_is_not_part_of_a_solution() -> None:
    prompt = 'def f(x):\n    """The biggest\n    of all.\n    """\n'
    assert without_echo('\n    of all.\n    """\n    return 1\n', prompt) == "    return 1\n"
    assert without_echo("    return 1\n", prompt) == "    return 1\n"


def test_each_assertion_begins_on_the_line_of_its_assert() -> None:
    assert assertions_of("\n    f(1) == 2, 'a'\nassert \n    f(2) == 3") == " f(1) == 2, 'a'\nassert f(2) == 3"
    assert assertions_of("f(1) == 2\nassert f(2) == 3") == " f(1) == 2\nassert f(2) == 3"


def test_fewer_lines_cost_less_where_only_the_text_is_known() -> None:
    recording = imported(
        SET,
        [row(1, "other", "Something else.")],
        [row(1, "other", "Something else.", "other(1) == 2\nassert other(2)")],
        4,
        ORIGIN,
    )
    (sample,) = recording.entries["p2", Part.TESTS].samples
    assert text_for(sample, 1) == " other(1) == 2"
    assert 0 < tokens_for(sample, 1) < tokens_for(sample, 2) == sample.generated


def test_a_recorded_text_of_four_lines_tells_what_two_would_have_been() -> None:
    recording = imported(SET, [row(1, "other", "Something else.")], [row(1, "other", "Something else.")], 4, ORIGIN)
    (sample,) = recording.entries["p2", Part.TESTS].samples
    tokens = (" f(1)", " == 2", "\n", "assert", " f(2)", "\n", "assert", " f(3)")
    counted = replace(sample, text="".join(tokens), tokens=tokens, logprobs=(0.0,) * 8, generated=8, counted=True)
    assert text_for(counted, 1) == " f(1) == 2"
    assert tokens_for(counted, 1) == 4  # with those that begin the next line, which is cut off
    assert text_for(counted, 2) == " f(1) == 2\nassert f(2)"
    assert text_for(counted, 3) == counted.text
    assert tokens_for(counted, 4) == 8


@pytest.mark.parametrize("content", ['{"prompt": "def f():", "samples": [1]}', '{"prompt": "x", "samples": []}', "[]"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(content)
    with pytest.raises((RecordingError, DataMissing), match="line 1"):
        read_rows(path)


def test_the_public_recordings_of_codegen_16b_are_a_rung_of_all_164_problems() -> None:
    at = folder()
    names = [at / f"HumanEval_codegen16B_{kind}.jsonl.gz" for kind in ("solutions", "tests")]
    if not all(name.exists() for name in names):
        pytest.skip(f"{at} has no recordings of CodeGen-16B")
    problems = problem_set("humaneval")
    solutions, tests = map(read_rows, names)
    recording = imported(problems, solutions, tests, 4, ORIGIN)
    assert all(recording.complete(each.id) for each in problems.problems)
    assert recording.header.k == 100
    shared = Counter(function_task(each).function.name for each in problems.problems)  # type: ignore[union-attr]
    assert len([name for name, count in shared.items() if count > 1]) == 6
    for each in problems.problems:
        function = function_task(each).function
        assert function is not None
        texts = [f"assert{sample.text}" for sample in recording.entries[each.id, Part.TESTS].samples]
        lines = suite(texts, frozenset({function.name}), 4)
        assert all(json.dumps(line) for line in lines)
    brackets = [each for each in problems.problems if "correct_bracketing" in each.prompt]
    by_name = matched(problems.problems, solutions)
    assert [('"<" and ">"' in each.prompt, '"<" and ">"' in by_name[each.id].prompt) for each in brackets] == [
        (True, True),
        (False, False),
    ]
    # Every row is used once: two problems with one name never have the same row.
    by_problem = matched(problems.problems, solutions)
    assert len({each.number for each in by_problem.values()}) == 164
