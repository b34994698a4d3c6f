"""Only assertions that parse, about the function, each once, become test lines."""

from __future__ import annotations

import ast

from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.testlines import suite

F = frozenset({"f"})


def lines(text: str, l: int = 4) -> list[str]:  # noqa: E741
    return suite([text], F, l)


def test_asserts_are_found_among_other_text() -> None:
    assert lines("assert f(1) == 2\n# a comment\nprint(3)\nassert f(2) == 3\n") == [
        "assert f(1) == 2",
        "assert f(2) == 3",
    ]


def test_a_message_is_dropped_and_two_ways_to_write_one_condition_are_one_line() -> None:
    assert lines("assert f(1)==2, 'no'\nassert f( 1 ) == 2\nassert (f(1) == 2)") == ["assert f(1) == 2"]


def test_the_same_line_of_two_texts_counts_once() -> None:
    assert suite(["assert f(1)", "assert f(1)"], F, 4) == ["assert f(1)"]


def test_at_most_l_lines_are_taken_from_each_text() -> None:
    text = "\n".join(f"assert f({n})" for n in range(9))
    assert len(suite([text, text.replace("f(", "f(1")], F, 2)) == 4


def test_an_assertion_may_take_several_lines() -> None:
    assert lines("assert f(\n    1,\n) == [\n    2]\nassert f(3)") == ["assert f(1) == [2]", "assert f(3)"]


def test_what_does_not_parse_is_left_out_and_the_rest_is_read() -> None:
    assert lines("assert f(1) ==\nassert f(2) == 2\nassert f((3\n") == ["assert f(2) == 2"]


def test_an_assertion_about_something_else_is_not_valid() -> None:
    assert lines("assert 1 == 1\nassert g(1)\nassert True") == []


def test_passing_the_function_on_is_about_it() -> None:
    assert lines("assert list(map(f, [1])) == [2]") == ["assert list(map(f, [1])) == [2]"]


def test_a_second_statement_on_the_line_is_not_a_test_line() -> None:
    assert lines("assert f(1); import os") == []


@given(st.lists(st.text(max_size=200), max_size=5), st.integers(0, 5))
def test_any_text_gives_lines_that_parse_are_distinct_and_not_too_many(texts: list[str], l: int) -> None:  # noqa: E741
    found = suite([f"assert {text}" for text in texts], F, l)
    assert len(found) == len(set(found)) <= l * len(texts)
    for line in found:
        (statement,) = ast.parse(line).body
        assert isinstance(statement, ast.Assert)


def test_what_is_too_deep_to_be_written_again_is_left_out() -> None:
    deep = "assert f(" + "-" * 1500 + "1) == 1\nassert f(" + "+".join(["1"] * 800) + ")"
    assert lines(f"{deep}\nassert f(1)") == ["assert f(1)"]


def test_deeply_nested_text_is_left_out_without_a_crash() -> None:
    assert lines("assert f(" + "(" * 1500 + ")" * 1500 + ")") == []
