"""Nothing is shown that Python does not parse where it did parse before."""

from __future__ import annotations

import random
import sysconfig
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.cut import parses
from rung.cascade.syntax import still_parses

STDLIB = Path(sysconfig.get_path("stdlib"))
LINES = 600
FALSE_ALARMS = 0.02
PIECES = st.lists(
    st.sampled_from([*"()[]{}\"'#\\\n :=,.", "if x", "def f", '"""', "word", "é", "    ", "@", "lambda", "else:"])
).map("".join)


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        ("x = foo(", "a, b)", "\n"),
        ("x = foo(", "a, b", ")\n"),
        ("x = foo(", "a,", "\n    b)\n"),
        ("x = foo(", "", "\n"),
        ("x = [", "y for y in z", "]\n"),
        ("x = {", "'a': 1,", "\n"),
        ("if ", "x:", "\n"),
        ("if x:\n    a\n", "elif y:", "\n    b\n"),
        ("try", ":", "\n    x()\nexcept ValueError:\n    pass\n"),
        ("try:\n    x\nexcept ", "ValueError as error:", "\n"),
        ("match x:\n    case ", "1:", "\n"),
        ("@", "property", "\ndef f(self): ...\n"),
        ("    def f(self, ", "a: int) -> None:", "\n"),
        ("class A(", "B):", "\n"),
        ("from os import ", "path", "\n"),
        ("with open(p) as ", "f:", "\n"),
        ("x = 1 + ", "\\", "\n    2\n"),
        ('def f():\n    """', "Does (not parse", "\n"),
        ("def f():\n    ", '"""Opens a docstring', '\n    more.\n    """\n'),
        ("# ", "a ] comment (", "\n"),
        ("x = 'it", " is (", "'\n"),
        ("async def f():\n    await ", "g()", "\n"),
        ("\treturn ", "x", "\n"),
        ("print 'python ", "2'", "\n"),
        ("for x in y: ", "pass", "\n"),
    ],
)
def test_what_fits_its_surroundings_is_shown_also_where_more_must_follow(before: str, text: str, after: str) -> None:
    assert still_parses(text, before, after)


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        ("x = ", "1 +* 2", "\n"),
        ("x = foo(", "a b", ")\n"),
        ("x = foo(", "a))", "\n"),
        ("x = foo(", "a)", ")\n"),
        ("if x", " = :", "\n"),
        ("return ", "for", "\n"),
        ("import ", "1", "\n"),
        ("x = [", "1, 2}", "\n"),
    ],
)
def test_what_breaks_a_statement_that_was_whole_is_not(before: str, text: str, after: str) -> None:
    assert not still_parses(text, before, after)


@given(PIECES, PIECES, PIECES)
def test_any_text_anywhere_is_judged(before: str, text: str, after: str) -> None:
    assert still_parses(text, before, after) in (True, False)


def test_the_true_ends_of_lines_of_the_standard_library_are_hardly_ever_refused() -> None:
    random_ = random.Random(5)
    lines = [random_.choice(_lines()) for _ in range(LINES)]
    refused = [text for before, text, after in lines if not still_parses(text, before, after)]
    assert len(refused) <= FALSE_ALARMS * LINES, refused


@cache
def _lines() -> list[tuple[str, str, str]]:
    found = []
    random_ = random.Random(7)
    for path in sorted(STDLIB.glob("*.py"))[::6]:
        lines = path.read_text("utf-8", "replace").split("\n")
        if not parses("\n".join(lines)):
            continue
        for number in range(0, len(lines), 5):
            line = lines[number]
            if line.strip():
                cut = random_.randrange(len(line) - len(line.lstrip()), len(line))
                below = lines[number + 1 : number + 80]
                found.append(("\n".join([*lines[:number], line[:cut]]), line[cut:], "\n".join(["", *below])))
    return found
