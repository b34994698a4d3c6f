"""An answer is found again wherever the text around the cursor agrees with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.answers import CAPACITY, LOOK_BACK, Answers, typed_since

TEXT = st.text("ab(\n", max_size=12)


def answers(before: str, after: str, *texts: str) -> Answers[str]:
    made = Answers[str]()
    made.put("a", before, after, texts, "climb")
    return made


@given(TEXT, TEXT, st.text("ab(\n", min_size=1, max_size=12), st.data())
def test_typing_an_answer_finds_the_rest_of_it(before: str, after: str, text: str, data: st.DataObject) -> None:
    typed = data.draw(st.integers(0, len(text) - 1))
    found = answers(before, after, text).find("a", before + text[:typed], after)
    assert found is not None
    assert text.endswith(found.texts[0])
    assert before + text == before + text[:typed] + found.texts[0]


@given(TEXT, TEXT, TEXT, TEXT, TEXT)
def test_what_is_found_continues_what_stands_there(
    before: str, after: str, text: str, now: str, now_after: str
) -> None:
    found = answers(before, after, text).find("a", now, now_after)
    if found is not None and found.texts and now_after == after:
        assert (before + text) == now + found.texts[0]


@pytest.mark.parametrize(
    ("document", "before", "after"),
    [("b", "x = ", "\n"), ("a", "y = ", "\n"), ("a", "x = ", ")\n"), ("a", "x = g", "\n"), ("a", "x = f(1)", "\n")],
)
def test_another_place_or_another_text_finds_nothing(document: str, before: str, after: str) -> None:
    assert answers("x = ", "\n", "f(1)").find(document, before, after) is None


def test_that_nothing_is_to_be_shown_is_remembered_at_its_place_only() -> None:
    known = answers("x = 1", "\n")
    found = known.find("a", "x = 1", "\n")
    assert (found and found.texts) == ()
    assert known.find("a", "x = 12", "\n") is None


def test_an_edit_far_away_loses_nothing() -> None:
    near = "n = 0\n" * 100 + "x = "
    found = answers("import os\n" + near, "\n" * 300, "f(1)").find(
        "a", "import sys, os\n" + near + "f", "\n" * 300 + "z"
    )
    assert (found and found.texts) == ("(1)",)


@pytest.mark.parametrize(("pair", "text", "rest"), [("()", "(a, b)", "a, b"), ("[]", "[0]", "0"), ('""', '"a"', "a")])
def test_a_bracket_that_the_editor_closed_is_not_closed_again(pair: str, text: str, rest: str) -> None:
    found = answers("x = f", "\n", text).find("a", "x = f" + pair[0], pair[1] + "\n")
    assert (found and found.texts) == (rest,)


def test_where_the_answer_goes_on_behind_the_closed_bracket_it_is_not_used() -> None:
    assert answers("x = f", "\n", "(a) + 1").find("a", "x = f(", ")\n") is None


def test_of_several_texts_those_that_agree_are_left() -> None:
    found = answers("x = ", "\n", "foo(1)", "bar", "fo").find("a", "x = fo", "\n")
    assert (found and found.texts) == ("o(1)",)


def test_what_was_used_longest_ago_goes_first() -> None:
    known = Answers[str]()
    for number in range(CAPACITY):
        known.put("a", f"{number} = ", "", ("x",), str(number))
    assert known.find("a", "0 = ", "") is not None
    known.put("a", "new = ", "", ("x",), "new")
    assert known.find("a", "0 = ", "") is not None
    assert known.find("a", "1 = ", "") is None


def test_it_looks_back_so_far_and_no_further() -> None:
    text = "x" * (LOOK_BACK + 2)
    known = answers("", "", text)
    assert known.find("a", text[:LOOK_BACK], "") is not None
    assert known.find("a", text[: LOOK_BACK + 1], "") is None


def test_what_is_forgotten_is_not_found() -> None:
    known = answers("x = ", "\n", "f(1)")
    known.forget(lambda value: value == "climb")
    assert known.find("a", "x = ", "\n") is None


@given(TEXT, TEXT, TEXT)
def test_what_was_typed_since_is_what_stands_between_then_and_now(before: str, after: str, typed: str) -> None:
    since = typed_since((before, after), (before + typed, after))
    assert since is not None
    assert before + typed == before + since


@pytest.mark.parametrize(
    ("before", "after", "since"),
    [
        ("x = f(", ")\n", "f("),
        ("x = f(", "]\n", None),
        ("x =", "\n", None),
        ("y = ", "\n", None),
        ("x = f", "y\n", None),
    ],
)
def test_a_closed_bracket_is_no_other_place_and_everything_else_is(before: str, after: str, since: str | None) -> None:
    assert typed_since(("x = ", "\n"), (before, after)) == since


def test_more_than_is_looked_back_is_another_place() -> None:
    assert typed_since(("x = ", "\n"), ("x = " + "y" * LOOK_BACK, "\n")) == "y" * LOOK_BACK
    assert typed_since(("x = ", "\n"), ("x = " + "y" * (LOOK_BACK + 1), "\n")) is None
