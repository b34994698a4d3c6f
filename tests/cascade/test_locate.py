"""The cursor decides between a line, a function and nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.cut import cut_body, parses, program
from rung.cascade.locate import locate
from rung.cascade.task import Function, Task, TaskKind


def at(source: str) -> Task | None:
    """The task at `|` in `source`."""
    before, _, after = source.partition("|")
    return locate(before, after)


def function_at(source: str) -> Function:
    task = at(source)
    assert task is not None
    assert task.kind is TaskKind.FUNCTION
    assert task.function is not None
    return task.function


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ('def f(a):\n    """Doc."""\n|', "f"),
        ('def f(a):\n    """Doc."""\n    |', "f"),
        ('def f(a):\n    """Doc."""|', "f"),
        ("def f(a):\n    |", "f"),
        ("def f(a):|", "f"),
        ("async def f(a) -> int:\n    |\n\nx = 1\n", "f"),
        ('class A:\n    def g(self):\n        """Doc."""\n        |\n\n    def h(self):\n        return 1\n', "g"),
        ("def f():\n    def inner():\n        |\n    return inner", "inner"),
        ("def f(a):\n    # how\n    |\n    pass\n", "f"),
        ("def f(\n    a,\n    b,\n):\n    |", "f"),
        ("@cached\ndef f(a):\n\t|", "f"),
        ("import os\n\ndef broken(:\n\ndef f(a):\n    |", "f"),
    ],
)
def test_a_function_without_a_body_is_a_function_task(source: str, name: str) -> None:
    assert function_at(source).name == name


@pytest.mark.parametrize(
    "source",
    [
        "x = |",
        "def f(a):\n    return |",
        "def f(a):\n    b = a\n    |",
        "def f(a):\n    |\n    return a\n",
        "def f(a|):\n    pass",
        'x = """\n|\n"""',
        "class A:\n    |",
        "if x:|",
    ],
)
def test_everything_else_is_a_line_task(source: str) -> None:
    task = at(source)
    assert task is not None
    assert task.kind is TaskKind.LINE


@pytest.mark.parametrize("source", ["|", "  \n |", "ret|urn x", "x = foo|_bar"])
def test_nothing_is_completed_in_an_empty_file_or_within_a_word(source: str) -> None:
    assert at(source) is None


def test_the_header_ends_at_the_cursor_and_begins_at_the_first_decorator() -> None:
    function = function_at('import os\n\n\n@a\n@b\ndef f(x):\n    """Doc."""\n    |')
    assert function.header == '@a\n@b\ndef f(x):\n    """Doc."""\n    '


def test_the_preamble_has_what_runs_alone() -> None:
    function = function_at(
        "from __future__ import annotations\nimport os, numpy\nfrom typing import List\nfrom .near import x\n"
        "import httpx\nLIMIT = 3\nNOW = clock()\n\ndef helper(a):\n    return a\n\n@wild\ndef other(): ...\n\n"
        "def f(x: List[int]) -> int:\n    |\n\ndef later():\n    return 2\n"
    )
    assert function.preamble.split("\n") == [
        "from __future__ import annotations",
        "import os",
        "from typing import List",
        "LIMIT = 3",
        "def helper(a):",
        "    return a",
        "def later():",
        "    return 2",
    ]


def test_a_method_runs_within_its_class() -> None:
    function = function_at("class A:\n    x = 1\n    def g(self):\n        |")
    assert parses(program(function, cut_body("return self.x", function)))
    assert function.enclosing == "class A:\n    x = 1\n"


@pytest.mark.parametrize(
    ("source", "body"),
    [
        ("def outer(a):\n    def inner(b):\n        |\n    return inner(a)\n", "return b"),
        ("if True:\n    def f(b):\n        |\n", "return b"),
        ("def outer():\n    class A:\n        def f(self, b):\n            |\n", "return b"),
        ("try:\n\tdef f(b):\n\t\t|\nfinally:\n\tpass\n", "return b"),
        ("class A:\n  def g(self):\n    return 1\n\n  def f(self, b):\n    |\n", "return b"),
        ("class A:\n\tdef g(self):\n\t\treturn '    '\n\n\tdef f(self, b):\n\t\t|\n", "return b"),
        ("def f(b):\n  |\n", "return b"),
        ('def f(b):\n\t"""Doc."""\n|', "\treturn b"),
        ('def f(b):\n  """Doc."""\n|', "  return b"),
        ('def f(b):\n    """Doc:\n\n    def f(b):\n        return 1\n    """\n    |', "return b"),
        ("if a:\n  x = 1\n\ndef f(b):|", "\n  return b"),
    ],
)
def test_a_body_fits_its_place_whatever_the_indentation(source: str, body: str) -> None:
    function = function_at(source)
    assert cut_body(body + "\n", function) == body


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    pass\n\n\n|",
        "class P(Protocol):\n    def f(self): ...\n\n    |",
        "class P(Protocol):\n    def f(self):\n        ...\n\n    |",
        "def f():\n    ...\n    |",
    ],
)
def test_a_finished_stub_is_not_reopened(source: str) -> None:
    task = at(source)
    assert task is not None
    assert task.kind is TaskKind.LINE


@given(st.text(alphabet=st.sampled_from("def class():\n\t \"'#ab.=@,é😀|"), max_size=120))
def test_any_text_is_some_task_or_none_and_never_an_error(source: str) -> None:
    task = at(source)
    if task is not None and task.function is not None:
        assert task.prefix.endswith(task.function.header)
