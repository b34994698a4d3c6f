"""What became of an offer, from what stands at its place since."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.outcome import OfferedText, without_closer
from rung.cascade.telemetry import Outcome

texts = st.text("ab (\n", min_size=1, max_size=12)


@given(texts, st.data())
def test_a_prefix_decides_nothing(text: str, data: st.DataObject) -> None:
    offer = OfferedText((text,))
    for _ in range(4):
        length = data.draw(st.integers(0, len(text)))
        assert offer.typed(text[:length]) is None
        assert offer.remaining == text[length:]
    assert offer.undecided


@given(texts, st.text("ab (\n", max_size=14))
def test_leaving_the_offer_decides_once(text: str, since: str) -> None:
    offer = OfferedText((text,))
    outcome = offer.typed(since)
    assert (outcome is None) == text.startswith(since)
    first = outcome or offer.typed(None)
    assert first is not None
    assert offer.typed(None) is None
    assert offer.gone() is None


@given(texts)
def test_typing_every_character_and_more_is_typed_through(text: str) -> None:
    offer = OfferedText((text,))
    for end in range(1, len(text) + 1):
        assert offer.typed(text[:end]) is None
    assert offer.typed(text + "x") is Outcome.TYPED_THROUGH


@given(texts, st.lists(st.text("ab (\n", max_size=14)))
def test_an_accept_is_certain_whatever_was_inferred(text: str, seen: list[str]) -> None:
    offer = OfferedText((text,))
    told = [*(offer.typed(since) for since in seen), offer.accepted()]
    assert told.count(Outcome.ACCEPTED) == 1
    assert offer.accepted() is None
    assert offer.gone() is None


def test_other_text_at_once_or_after_a_typed_part_is_a_rejection() -> None:
    assert OfferedText(("return 1",)).typed("x") is Outcome.REJECTED
    offer = OfferedText(("return 1",))
    offer.typed("r")
    offer.typed("re")
    assert offer.typed("res") is Outcome.REJECTED


def test_a_whole_word_that_came_at_once_was_accepted_in_part() -> None:
    offer = OfferedText(("return value",))
    assert offer.typed("return") is None
    assert offer.typed("return x") is Outcome.PARTLY_ACCEPTED


def test_all_of_it_at_once_was_accepted() -> None:
    offer = OfferedText(("return value",))
    assert offer.typed("return value") is None
    assert offer.typed("return value\n") is Outcome.ACCEPTED


def test_a_word_at_once_and_the_rest_by_hand_is_typed_through() -> None:
    offer = OfferedText(("return ab",))
    for since in ("return", "return ", "return a", "return ab"):
        assert offer.typed(since) is None
    assert offer.typed("return abc") is Outcome.TYPED_THROUGH


def test_a_word_that_was_taken_back_was_not_accepted() -> None:
    offer = OfferedText(("return value",))
    offer.typed("return")
    offer.typed("")
    assert offer.gone() is Outcome.IGNORED


def test_several_typed_characters_within_a_word_are_no_partial_accept() -> None:
    offer = OfferedText(("return value",))
    offer.typed("retu")
    assert offer.typed("retux") is Outcome.REJECTED


def test_any_of_several_texts_agrees() -> None:
    offer = OfferedText(("one", "two"))
    assert offer.typed("t") is None
    assert offer.remaining == "wo"
    assert offer.typed("two") is None
    assert offer.gone() is Outcome.TYPED_THROUGH


def test_what_was_neither_typed_nor_left_is_ignored() -> None:
    assert OfferedText(("x",)).gone() is Outcome.IGNORED


def test_an_offer_that_another_one_continues_says_nothing() -> None:
    offer = OfferedText(("abc",))
    offer.typed("a")
    offer.continued()
    assert offer.gone() is None


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [("f", "f()", "f("), ("", '""', '"'), ("f", "g()", "g()"), ("f(", "f(a)", "f(a)"), ("", "(", "(")],
)
def test_only_a_pair_that_the_editor_closed_loses_its_closer(before: str, after: str, kept: str) -> None:
    assert without_closer(before, after) == kept
