"""What a user types: the text itself, whatever was offered and accepted on the way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.bench.typing.keys import Key, KeyKind, Place, Typed, kind_of
from rung.cascade.bench.typing.page import Page
from rung.cascade.bench.typing.user import right_part

lines = st.builds(
    lambda depth, code, end: "    " * depth + code + end if code else "",
    st.integers(0, 3),
    st.sampled_from(["", "x", "if a:", "f(", "return x + 1", "é = '😀'", "  odd", ")"]),
    st.sampled_from(["", "", "", " "]),
)
indents = st.sampled_from(["", "    ", "\t"])
texts = st.builds(lambda first, rest: "\n".join([first, *rest]), st.just("def f(a):"), st.lists(lines, max_size=8))


@given(texts, indents)
def test_the_keys_write_the_text(text: str, indent: str) -> None:
    typed = Typed(text, indent, "    ")
    page, place = Page(indent, "\nrest"), Place(0)
    while (step := typed.next_key(place)) is not None:
        page.press(step[0])
        place = step[1]
        assert page.before == indent + text[: place.done] + place.excess
    assert (page.before, page.after) == (indent + text, "\nrest")


@given(texts, indents, st.data())
def test_whatever_is_accepted_the_text_is_written_with_keys_that_are_the_same_at_the_same_place(
    text: str, indent: str, data: st.DataObject
) -> None:
    typed = Typed(text, indent, "    ")
    planned = dict(typed.all_keys())
    page, place, written = Page(indent, ""), Place(0), 0
    while (step := typed.next_key(place)) is not None:
        rest = "" if place.excess else text[place.done :]
        offer = data.draw(st.sampled_from([rest[: data.draw(st.integers(0, 40))], "wrong", rest + "more"]))
        if part := right_part(offer, rest):
            page.press(Key(KeyKind.SIGN, 0, part))
            written += typed.written(place.done, place.done + len(part))
            place = Place(place.done + len(part))
        else:
            assert planned[place] == step[0]
            page.press(step[0])
            place = step[1]
    assert page.before == indent + text
    assert written <= typed.written(0, len(text))


def test_enter_brings_the_indentation_and_backspace_takes_it_away() -> None:
    text = "def f():\n    if a:\n\n        b\nc"
    keys = [(key.delete, key.text) for _, key in Typed(text, "", "    ").all_keys()]
    enters = [key for key in keys if key[1].startswith("\n") or key[0]]
    assert enters == [(0, "\n    "), (0, "\n"), (0, "\n        "), (0, "\n        "), (4, ""), (4, "")]


def test_deeper_lines_take_a_tab_for_each_level() -> None:
    keys = [key.text for _, key in Typed("x\n          y", "", "    ").all_keys()]
    assert keys == ["x", "\n", "    ", "    ", "  ", "y"]


def test_indentation_is_written_by_nobody() -> None:
    typed = Typed("if a:\n    b = 1\n", "", "    ")
    assert typed.written(0, len(typed.text)) == len("if a:\nb = 1\n")
    assert typed.written(6, 12) == len("b ")


def test_the_kind_of_a_key_is_what_its_line_was_before_it() -> None:
    kinds = [kind_of("    x = fo("[:at], "    x = fo("[at]).value for at in range(4, 11)]
    assert kinds == ["line", "blank", "sign", "blank", "word", "within", "sign"]


def test_a_user_accepts_all_of_an_offer_else_its_first_line_and_nothing_of_one_character() -> None:
    rest = "return a\n    b"
    assert right_part("return a\n    b  \n", rest) == rest
    assert right_part("return a\n    c", rest) == "return a"
    assert right_part("return", rest) == "return"
    assert right_part("returns", rest) == right_part("r", rest) == right_part("\n", rest) == ""


def test_columns_are_utf_16_code_units() -> None:
    assert (Page("a\né😀", "").line, Page("a\né😀", "").column) == (1, 3)
