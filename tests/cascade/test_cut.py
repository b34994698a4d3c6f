"""What is inserted is the rest of the line, or the body, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.cut import cut_body, cut_line, parses, program
from rung.cascade.task import Function, Task, TaskKind

AT_INDENT = Function("f", 'def f(x):\n    """Doc."""\n    ', "", "    ")
AT_COLUMN_0 = Function("f", 'def f(x):\n    """Doc."""\n', "", "    ")
AT_QUOTES = Function("f", 'def f(x):\n    """Doc."""', "", "    ")


@pytest.mark.parametrize(
    ("text", "suffix", "expected"),
    [
        ("foo(1)\nbar", "", "foo(1)"),
        ("foo(1)  ", "\n", "foo(1)"),
        ("a, b)", ")\n", "a, b"),
        ('name"])', '"])\n', "name"),
        ("range(10):", ":\n    pass", "range(10)"),
        ("foo(x)", ")\n", "foo(x)"),
        ("len(a)", "):\n", "len(a)"),
        ('d["a"]', "]\n", 'd["a"]'),
        ("foo(x))", ")\n", "foo(x)"),
        ("1", " + 2\n", "1"),
        ("return a", "\n    return a\n", ""),
        ("x = 1", "\ny = 2\n", "x = 1"),
        ("foo", "oo\n", "foo"),
    ],
)
def test_a_line_ends_where_the_line_ends_or_where_its_rest_begins(text: str, suffix: str, expected: str) -> None:
    assert cut_line(text, Task(TaskKind.LINE, "", suffix)) == expected


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_line_is_a_beginning_of_what_was_written(text: str, suffix: str) -> None:
    cut = cut_line(text, Task(TaskKind.LINE, "", suffix))
    assert text.startswith(cut)


@given(st.text(max_size=60), st.text(max_size=60))
def test_in_a_language_that_is_not_known_it_is_one_line(text: str, suffix: str) -> None:
    assert "\n" not in cut_line(text, Task(TaskKind.LINE, "", suffix, "markdown"))


@pytest.mark.parametrize(
    ("before", "text", "suffix", "expected"),
    [
        ("x = foo(", "\n    a,\n    b,\n)", "\n)\n", "\n    a,\n    b,"),
        ("x = foo(", "\n    a,\n    b,\n)\ny", "\n", "\n    a,\n    b,\n)"),
        ("foo(", "a), b", ")\n", "a"),
        ("x = y + foo(", "a) + b(c", ") + 1\n", "a) + b(c"),
        ("foo(bar(", "a))", ")\n", "a)"),
        ("foo('", "a)')", ")\n", "a)'"),
        ("# see (", "a)", ")\n", "a"),
    ],
)
def test_brackets_are_closed_once_and_a_statement_goes_to_its_end(
    before: str, text: str, suffix: str, expected: str
) -> None:
    assert cut_line(text, Task(TaskKind.LINE, before, suffix)) == expected


@pytest.mark.parametrize(
    ("function", "text", "body"),
    [
        (AT_INDENT, "return x\n\ndef g():\n    pass", "return x"),
        (AT_INDENT, "y = x\n    return y\nprint(f(1))", "y = x\n    return y"),
        (AT_COLUMN_0, "    return x\n", "    return x"),
        (AT_COLUMN_0, "\n    return x\n", "\n    return x"),
        (
            AT_QUOTES,
            "\n    if x:\n        return 1\n    return 2\n\n\nx = 3",
            "\n    if x:\n        return 1\n    return 2",
        ),
        (AT_INDENT, "return [\n        1,\n    ]", "return [\n        1,\n    ]"),
        (AT_INDENT, "a = 1\n    b = (a +", "a = 1"),
        (AT_INDENT, "(((", ""),
        (AT_INDENT, "# only a comment", ""),
        (AT_COLUMN_0, "return 1", ""),
    ],
)
def test_a_body_ends_where_it_is_left_and_as_far_as_it_parses(function: Function, text: str, body: str) -> None:
    assert cut_body(text, function) == body


@given(st.sampled_from([AT_INDENT, AT_COLUMN_0, AT_QUOTES]), st.text(alphabet="  \nabx=()[]:#'return", max_size=80))
def test_a_body_is_a_beginning_that_parses_or_nothing(function: Function, text: str) -> None:
    body = cut_body(text, function)
    assert text.startswith(body)
    assert not body or parses(program(function, body))
