"""What counts as a line or statement, and where it is cut."""

from __future__ import annotations

import textwrap
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.bench.lines.case import Cut
from rung.cascade.bench.lines.code import Code, Stretch, read_code, words
from rung.cascade.bench.lines.cutting import place

from .lines_sources import SOURCES


def texts(code: Code, stretches: tuple[Stretch, ...]) -> list[str]:
    return [code.source[each.begin : each.end] for each in stretches]


@given(SOURCES, st.sampled_from(list(Cut)), st.integers(0, 9))
def test_every_cut_lies_in_its_statement_and_leaves_something_to_write(source: str, cut: Cut, seed: int) -> None:
    code = read_code(source)
    assert code is not None
    for stretch in (*code.lines, *code.statements):
        at = place(source, stretch, cut, Random(seed))
        if at is not None:
            assert stretch.begin <= at.offset < stretch.end
            assert (at.offset == stretch.begin) == (cut is Cut.START)
            around = source[at.offset - 1 : at.offset + 1]
            assert at.inside == around.isidentifier() or not at.inside
            assert any(character.isalnum() for character in source[at.offset : stretch.end])


@given(SOURCES)
def test_words_are_in_order_and_a_line_stays_in_its_line(source: str) -> None:
    code = read_code(source)
    assert code is not None
    for stretch in (*code.lines, *code.statements):
        assert [source[word.begin : word.end] for word in stretch.words] == [word.text for word in stretch.words]
        ends = [bound for word in stretch.words for bound in (word.begin, word.end)]
        assert ends == sorted(ends)
    for text in texts(code, code.lines):
        assert "\n" not in text
        assert text == text.strip()


@given(SOURCES)
def test_comments_docstrings_and_two_statements_in_a_line_are_no_tasks(source: str) -> None:
    code = read_code(source)
    assert code is not None
    for text in texts(code, code.lines + code.statements):
        assert "#" not in text
        assert ";" not in text
        assert "docstring" not in text
    assert all(stretch.imports == code.source[stretch.begin :].startswith("import") for stretch in code.statements)


def test_lines_and_statements_of_an_example() -> None:
    source = textwrap.dedent(
        '''
        """Docstring."""
        from os import (
            path,
        )
        @decorated
        def function(a,
                     b):
            text = """several
            lines""" + a
            if a:  # comment
                return f"{a} and {b}"
            elif b: return b
            call(
                a,  # why
            )
        '''
    )
    code = read_code(source)
    assert code is not None
    assert texts(code, code.statements) == [
        "from os import (\n    path,\n)",
        "@decorated",
        "def function(a,\n             b):",
        'text = """several\n    lines""" + a',
        'return f"{a} and {b}"',
        "elif b: return b",
    ]
    assert texts(code, code.lines) == [
        "from os import (",
        "path,",
        ")",
        "@decorated",
        "def function(a,",
        "b):",
        'return f"{a} and {b}"',
        "elif b: return b",
        "call(",
        ")",
    ]
    assert [stretch.imports for stretch in code.lines[:4]] == [True, True, True, False]


@pytest.mark.parametrize("source", ["def (", "x = '", "\tx = 1\n y = 2", "print 'two'", "\0"])
def test_what_is_no_python_gives_nothing(source: str) -> None:
    assert read_code(source) is None


def test_what_would_be_trivial_or_data_is_no_task() -> None:
    source = "function(\n)\nab\nvalues = [\n" + "    1,\n" * 10 + "]\nlonger = name\n"
    code = read_code(source)
    assert code is not None
    kept = [s for s in (*code.lines, *code.statements) if place(source, s, Cut.START, Random(0))]
    assert texts(code, tuple(kept)) == ["function(", "values = [", "longer = name", "function(\n)", "longer = name"]


def test_words_do_not_depend_on_layout() -> None:
    assert words("f(a,\n  b)") == words("f( a, b )") == ["f", "(", "a", ",", "b", ")"]
    assert words("if x :") == ["if", "x", ":"]
    assert words("f'{a}' 'b'") == ["f'{a}'", "'b'"]
    assert words("f(a") is None
    assert words("'''a") is None
