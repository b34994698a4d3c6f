"""The sets of problems: the public ones, APPS's form, and a team's own files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from rung.cascade.bench.data import DataMissing, folder
from rung.cascade.bench.problem import Problem, distinct, function_task
from rung.cascade.bench.sets import problem_set
from rung.cascade.cut import cut_body, parses, program
from rung.cascade.sandbox import Sandbox


@pytest.fixture
def data() -> Path:
    there = folder()
    if not (there / "HumanEval.jsonl.gz").exists():
        pytest.skip(f"{there} has no data sets; RUNG_DATA names their folder")
    return there


def lines(path: Path, *rows: Any) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return path


OWN = {"id": "a", "prompt": 'def one(x):\n    """Add 1."""\n', "tests": "assert one(1) == 2\n"}


@pytest.mark.parametrize(("name", "count"), [("humaneval", 164), ("mbpp", 427)])
def test_every_problem_of_a_public_set_is_a_function_to_write(data: Path, name: str, count: int) -> None:
    problems = problem_set(name, data).problems
    assert len(problems) == count
    for problem in problems:
        function = function_task(problem).function
        assert function is not None
        assert function.name in problem.prompt
        assert parses(program(function, "    pass"))
        assert cut_body("    return 1\n", function) == "    return 1"


def test_a_function_that_has_a_statement_already_is_one_to_write(data: Path) -> None:
    (problem,) = [each for each in problem_set("humaneval", data).problems if each.id == "HumanEval/115"]
    function = function_task(problem).function
    assert function is not None
    assert function.header.rstrip().endswith('"""')
    assert "import math" in function.header


def test_the_digest_tells_sets_apart_and_not_orders() -> None:
    one, two = (Problem(name, "def f():\n", "f", "f()") for name in "ab")
    assert distinct("x", [one, two]).digest == distinct("x", [two, one]).digest
    assert distinct("x", [one]).digest != distinct("x", [two]).digest


def test_a_teams_folder_is_read_file_by_file(tmp_path: Path) -> None:
    lines(tmp_path / "b.jsonl", OWN | {"id": "b"})
    with gzip.open(tmp_path / "a.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps(OWN) + "\n\n")
    found = problem_set(str(tmp_path))
    assert [problem.id for problem in found.problems] == ["a", "b"]
    assert found.problems[0].entry_point == "one"


def test_rows_in_humanevals_form_are_taken_too(tmp_path: Path) -> None:
    row = {
        "task_id": "t/0",
        "prompt": OWN["prompt"],
        "entry_point": "one",
        "test": "def check(f):\n    assert f(1) == 2\n",
    }
    (problem,) = problem_set(str(lines(tmp_path / "x.jsonl", row))).problems
    assert problem.hidden_test.endswith("check(one)\n")


def test_a_set_of_the_configuration_goes_before_a_public_name(tmp_path: Path) -> None:
    found = problem_set("humaneval", None, {"humaneval": lines(tmp_path / "x.jsonl", OWN)})
    assert len(found.problems) == 1


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([OWN, OWN], "two problems with the id 'a'"),
        ([OWN, "{"], "line 2 is not JSON"),
        (["[]"], "line 1 is no object"),
        ([{**OWN, "prompt": "x = 1\n"}], "defines no function"),
        ([{**OWN, "tests": "assert ("}], "tests are not Python"),
        ([{**OWN, "tests": "x = 1"}], "test nothing"),
        ([{"id": "a", "tests": "f()"}], "no text 'prompt'"),
        ([], "no problem in it"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, rows: list[Any], said: str) -> None:
    with pytest.raises(DataMissing, match=said):
        problem_set(str(lines(tmp_path / "x.jsonl", *rows)))


def test_an_unknown_set_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match="humaneval, mbpp, apps, ours"):
        problem_set("nothing-here", tmp_path, {"ours": tmp_path})


def test_a_missing_public_set_says_where_it_is_to_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNG_DATA", str(tmp_path))
    for name in ("humaneval", "mbpp", "apps"):
        with pytest.raises(DataMissing, match="RUNG_DATA; the data is public at https://"):
            problem_set(name)


APPS = [
    {
        "problem_id": 1,
        "difficulty": "introductory",
        "question": 'Print the sum.\n"""Really.""" \\n',
        "starter_code": "",
        "input_output": json.dumps({"inputs": ["1 2\n", ["3", "4"]], "outputs": ["3\n", ["7"]]}),
    },
    {
        "problem_id": 2,
        "difficulty": "introductory",
        "question": "Twice.",
        "starter_code": "class Solution:\n    def twice(self, number: Dict[str, int]) -> int:\n",
        "input_output": json.dumps({"fn_name": "twice", "inputs": [[2], [3]], "outputs": [4, [6]]}),
    },
    {"problem_id": 3, "difficulty": "interview", "question": "?", "input_output": "{}"},
    {
        "problem_id": 5,
        "difficulty": "introductory",
        "question": "A number that Python does not read.",
        "input_output": '{"inputs": [[' + "1" * 5000 + ']], "outputs": [1]}',
    },
    {"problem_id": 4, "difficulty": "introductory", "question": "No tests.", "input_output": ""},
]
RIGHT = {
    "APPS/1": "    return str(sum(map(int, text.split())))",
    "APPS/2": "    return 2 * number",
}
WRONG = {"APPS/1": "    return '8'", "APPS/2": "    return number"}


async def test_introductory_problems_of_apps_are_functions_that_right_bodies_solve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    monkeypatch.setenv("RUNG_DATA", str(tmp_path))
    lines(tmp_path / "apps_test.jsonl", *APPS)
    problems = problem_set("apps").problems
    assert [problem.id for problem in problems] == ["APPS/1", "APPS/2"]
    for problem in problems:
        function = function_task(problem).function
        assert function is not None
        bodies = [RIGHT[problem.id], WRONG[problem.id]]
        matrix = await sandbox.run([program(function, body) for body in bodies], [problem.hidden_test])
        assert matrix.passed() == [[True], [False]]


@pytest.mark.parametrize("tests", ["{", "[]", '{"inputs": [1]}', '{"inputs": [1], "outputs": []}'])
def test_a_damaged_row_of_apps_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tests: str) -> None:
    monkeypatch.setenv("RUNG_DATA", str(tmp_path))
    lines(tmp_path / "apps_test.jsonl", APPS[0] | {"input_output": tests})
    with pytest.raises(DataMissing, match="APPS problem 1"):
        problem_set("apps")
