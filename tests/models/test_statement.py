"""A statement ends where Python's own tokenizer says, and earlier only where hardly anything ever follows."""

from __future__ import annotations

import io
import itertools
import random
import sysconfig
import tokenize
from bisect import bisect_left
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.models.statement import StatementScanner

STDLIB = Path(sysconfig.get_path("stdlib"))
FILES = 30
WINDOW = 1500  # characters before the cursor, as in a local model's prompt
pieces = st.sampled_from([*"()[]{}\"'`:#\\\n/*;,= ", "if x", "lambda", "def f", '"""', "//", "word", "é"])
sources = st.lists(pieces, max_size=30).map("".join)
languages = st.sampled_from(["python", "javascript", "go", "rust", "markdown", None])


def end(before: str, text: str, language: str | None = "python", after: str = "") -> int | None:
    return StatementScanner(before, language, after).feed(text)


@given(sources, sources, languages, sources, st.lists(st.integers(0, 60)))
def test_pieces_of_any_size_end_at_the_same_place(
    before: str, text: str, language: str | None, after: str, cuts: list[int]
) -> None:
    scanner = StatementScanner(before, language, after)
    ends = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    answers = [scanner.feed(text[begin:until]) for begin, until in itertools.pairwise(ends)]
    assert answers[-1] == end(before, text, language, after)
    told = [answer for answer in answers if answer is not None]
    assert len(set(told)) <= 1
    assert answers[len(answers) - len(told) :] == told


@given(sources, sources, languages, sources)
def test_what_belongs_to_a_statement_is_text_that_was_fed(
    before: str, text: str, language: str | None, after: str
) -> None:
    length = end(before, text, language, after)
    assert length is None or 0 <= length <= len(text)
    if language in ("markdown", None):
        assert length == (text.index("\n") if "\n" in text else None)


@pytest.mark.parametrize(
    ("before", "text", "kept"),
    [
        ("x = 1", "\ny", ""),
        ("x = foo(", "a,\n    b)\ny", "a,\n    b)"),
        ("x = foo(  # note", "\n a)\ny", "\n a)"),
        ("x = '''", "a\nb'''\ny", "a\nb'''"),
        ('"""a\\""" b"""', "\ny", ""),
        ("x = ''", "\ny", ""),
        ("x = '\\'' + ", "'a\ny", "'a"),
        ("x = 1 + \\", "\n    2\ny", "\n    2"),
        ("x = 'it", "\ny", ""),
        ("# it's (", "\ny", ""),
        ("if x", ":\n    y", ":"),
        ("    async def f(a: int) -> dict[str, int]", ": pass", ":"),
        ("else", ":\n", ":"),
        ("x", ": int = 3\n", ": int = 3"),
        ("if (x ", ":= f()):\n", ":= f()):"),
        ("while x ", ":= f():\n", ":= f():"),
        ("if x: y", " = {1: 2}\n", " = {1: 2}"),
        ("if a[1", ":2]:\n", ":2]:"),
        ("for f in lambda x", ": x, g:\n", ": x, g:"),
        ("if x: return\nif y", ": return\nz", ": return"),
        ("iffy", ": int\n", ": int"),
    ],
)
def test_a_statement_of_python(before: str, text: str, kept: str) -> None:
    length = end(before, text)
    assert length is not None
    assert text[:length] == kept


@pytest.mark.parametrize(
    ("before", "text", "after", "kept"),
    [
        ("foo(", "a, (b))\n", ")", "a, (b)"),
        ("    if foo(a[", "0])", "]):\n", "0"),
        ("foo(", "a)", "", "a)"),
        ("foo(\n    a, bar(", "b)", ")", "b"),
        ("foo(bar(", "b)", ")", "b)"),
        ("foo(['", "a'])", "'])", "a'])"),
        ("foo(", "a", ", b)", "a"),
    ],
)
def test_what_closes_behind_the_cursor_is_not_closed_twice(before: str, text: str, after: str, kept: str) -> None:
    length = end(before, text + "\n", after=after)
    assert text[:length] == kept


@pytest.mark.parametrize(
    ("language", "before", "text", "kept"),
    [
        ("javascript", "f(", "a,\n  b);\ny", "a,\n  b);"),
        ("javascript", "f(function() {", "\n  x", ""),
        ("javascript", "x = `a", "\nb`;\n", "\nb`;"),
        ("java", "x = 'a'; // it's (", "\ny", ""),
        ("c", "/* it's", "\n*/ x;\ny", "\n*/ x;"),
        ("rust", "fn f<'a>(x: &'a str", ")\n", ")"),
        ("markdown", "it's (", "a\nb", "a"),
    ],
)
def test_a_statement_of_other_languages(language: str, before: str, text: str, kept: str) -> None:
    length = end(before, text, language)
    assert length is not None
    assert text[:length] == kept


def test_in_a_text_that_begins_within_a_docstring_code_is_code() -> None:
    for code in ("    return 1\n    x = foo", '    def f(self):\n        """Says."""\n        x', "    Some"):
        assert end(f'    the words of a docstring\n    that began above.\n    """\n{code}', " + 1\ny") == 4
    assert end('def f():\n    """Says it\'s', " so.\n\n    More.", "python") is None


def test_real_statements_end_where_the_tokenizer_says() -> None:
    wrong = cursors = 0
    for source, tokens, starts in real_files():
        ends = [place(starts, token.start) for token in tokens if token.type == tokenize.NEWLINE]
        for cursor in cursors_in(tokens, starts, 20):
            until = ends[bisect_left(ends, cursor)]
            text = source[cursor:until]
            if "\n" in text or not source[begin_of(source, cursor) : cursor].strip():
                continue
            length = end(source[begin_of(source, cursor) : cursor], source[cursor : until + 99])
            cursors += 1
            left = "" if length is None else source[cursor + length : until].strip()
            wrong += length is None or length > len(text) or bool(left and not left.startswith("#"))
    assert cursors > 250
    assert wrong / cursors < 0.01


def test_hardly_ever_does_code_follow_where_a_header_ends_early() -> None:
    followed = stops = headers = 0
    for source, tokens, starts in real_files():
        ends = [place(starts, token.start) for token in tokens if token.type == tokenize.NEWLINE]
        for token in tokens:
            colon = place(starts, token.start)
            if token.string == ":":
                below = source[colon + 1 : ends[bisect_left(ends, colon)]].strip()
                headers += not below
                if end(source[begin_of(source, colon) : colon], ":") == 1:
                    stops += 1
                    followed += bool(below and not below.startswith("#"))
    assert stops > 0.9 * headers > 400
    assert followed / stops < 0.01


def test_hardly_ever_is_a_bracket_meant_that_closes_behind_the_cursor() -> None:
    """Any part of a line is taken for what was to be inserted, where brackets alone follow it."""
    wrong = places = 0
    drawn = random.Random(0)
    for source, tokens, starts in real_files():
        closers = [token for token in tokens if token.string in (")", "]", "}")]
        for token in drawn.sample(closers, min(40, len(closers))):
            at = place(starts, token.start)
            stop = source.index("\n", at)
            line = source.rindex("\n", 0, at) + 1 if "\n" in source[:at] else 0
            if source[at:stop].rstrip(":,").strip(")]}"):
                continue
            cursor = drawn.randint(line, at)
            inserted = source[cursor:at]
            length = end(source[begin_of(source, cursor) : cursor], inserted, after=source[at:stop])
            places += 1
            wrong += length is not None and length < len(inserted)
    assert places > 500
    assert wrong / places < 0.01


@cache
def _real_files() -> list[tuple[str, list[tokenize.TokenInfo], list[int]]]:
    found = []
    paths = sorted(path for path in STDLIB.glob("*.py") if 4_000 < path.stat().st_size < 60_000)
    for path in random.Random(0).sample(paths, FILES):
        source = path.read_text("utf-8")
        if "\f" not in source:
            starts = [0]
            for line in source.split("\n"):
                starts.append(starts[-1] + len(line) + 1)
            found.append((source, list(tokenize.generate_tokens(io.StringIO(source).readline)), starts))
    return found


def real_files() -> Iterator[tuple[str, list[tokenize.TokenInfo], list[int]]]:
    """Source, tokens, and where lines begin."""
    yield from _real_files()


def place(starts: list[int], position: tuple[int, int]) -> int:
    return starts[position[0] - 1] + position[1]


def begin_of(source: str, cursor: int) -> int:
    """Of the window that ends at the cursor: the beginning of a line."""
    return source.find("\n", cursor - WINDOW, cursor) + 1 if cursor > WINDOW else 0


def cursors_in(tokens: list[tokenize.TokenInfo], starts: list[int], number: int) -> Iterator[int]:
    drawn = random.Random(1)
    code = [token for token in tokens if token.type in (tokenize.NAME, tokenize.OP, tokenize.NUMBER)]
    for token in drawn.choices(code, k=number):
        yield drawn.randint(place(starts, token.start), place(starts, token.end))
