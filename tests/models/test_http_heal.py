"""What is cut off a prompt, and what is taken off an answer."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.models.http.heal import Cut
from rung.models.http.sample import Sample
from rung.models.protocol import FinishReason, Sampling, Token

BLANKS = st.text(" \t\r\n", max_size=6)
WORDS = st.text("ab \t\r\n", max_size=12)


def healed(prefix: str, generated: str, *stops: str) -> str:
    sample = Sample(Cut.of(prefix), Sampling(64, stop=stops))
    sample.feed(generated, [])
    sample.finish(FinishReason.LENGTH)
    return sample.text


@pytest.mark.parametrize(
    ("prefix", "generated", "text"),
    [
        # exactly what was cut
        ("x =", " 1", " 1"),
        ("x = ", " 1", "1"),
        ("def f():\n    ", "\n    return 1", "return 1"),
        ("def f():\n", "\n    return 1", "    return 1"),
        ("x = 1\n", "\n\ndef f", "\ndef f"),
        # blanks within a line
        ("x = ", "1", "1"),
        ("x =  ", " 1", "1"),
        ("x =\t", " 1", "1"),
        ("x = ", "  1", " 1"),
        ("return ", "\nx", "\nx"),
        # a line break was cut, none came
        ("def f():\n    ", " return 1", "return 1"),
        ("def f():\n    ", "return 1", "return 1"),
        # another line break, more and fewer of them
        ("def f():\r\n    ", "\n    return 1", "return 1"),
        ("def f():\n    ", "\r\n    return 1", "return 1"),
        ("def f():\n    ", "\n\n    return 1", "return 1"),
        ("import a\n\n\n", "\nimport b", "import b"),
        ("import a  \n", "\n\nimport b", "\nimport b"),
        # another indentation
        ("def f():\n  ", "\n    return 1\n", "  return 1\n"),
        ("for x in y:\n        ", "\n    return 1", ""),
        ("    x = 1\n    ", "\n\ndef g(): ...", ""),
        ("def f():\n\t", "\n    return 1", "return 1"),
        # nothing but blanks
        ("def f():\n    ", "\n", ""),
        ("x = ", "", ""),
        ("   ", "a", "a"),
        ("", "\n", "\n"),
    ],
)
def test_the_prefix_and_the_text_are_what_the_model_meant(prefix: str, generated: str, text: str) -> None:
    assert healed(prefix, generated) == text


@pytest.mark.parametrize(
    ("prefix", "stop", "sent"),
    [
        ("x =", "\n", True),
        ("x = ", "\n", True),
        ("x = ", "  ", False),
        ("x = ", " #", False),
        ("f():\n    ", "\n", False),
        ("f():\n    ", "\n\n", False),
        ("f():\n    ", "\ndef", True),
        ("f():\n    ", "\n    def", False),
        ("x = 1\n", "\ndef", False),
        ("x = 1\n", "def", True),
    ],
)
def test_a_stop_string_that_could_match_in_what_is_taken_off_is_not_sent(prefix: str, stop: str, sent: bool) -> None:
    assert Cut.of(prefix).may_reach(stop) is not sent


@given(st.text("ab\n "), BLANKS, WORDS)
def test_a_model_that_writes_the_cut_blanks_is_continued_exactly(head: str, blanks: str, rest: str) -> None:
    prefix = head + blanks
    cut = Cut.of(prefix)
    assert cut.prefix + cut.blanks == prefix
    assert healed(prefix, cut.blanks + rest) == rest


@given(st.text("ab\n "), BLANKS, WORDS)
def test_only_blanks_are_taken_off_and_only_at_the_beginning(head: str, blanks: str, generated: str) -> None:
    text = healed(head + blanks, generated)
    if text:
        assert generated.endswith(text)
        assert not generated.removesuffix(text).strip()


@given(st.text("ab\n "), BLANKS, WORDS, st.lists(st.text("ab \n", min_size=1, max_size=3), max_size=3))
def test_a_server_that_stops_at_what_it_is_sent_changes_nothing(
    head: str, blanks: str, generated: str, stops: list[str]
) -> None:
    cut = Cut.of(head + blanks)
    sent = [stop for stop in stops if not cut.may_reach(stop)]
    ends = [(at + len(stop), at) for stop in sent if (at := generated.find(stop)) >= 0]
    stopped = generated[: min(ends)[1]] if ends else generated
    assert healed(head + blanks, stopped, *stops) == healed(head + blanks, generated, *stops)


@given(
    st.sampled_from(["x", "x ", "f():\n    ", "x\n"]),
    WORDS,
    st.lists(st.text("ab \n", min_size=1, max_size=3), max_size=3),
    st.lists(st.integers(0, 12)),
)
def test_how_the_server_cuts_its_pieces_changes_nothing(
    prefix: str, generated: str, stops: list[str], cuts: list[int]
) -> None:
    sample = Sample(Cut.of(prefix), Sampling(64, stop=stops))
    streamed: list[Token] = []
    edges = sorted({0, len(generated), *(cut for cut in cuts if cut < len(generated))})
    for start, end in pairwise(edges):
        piece = generated[start:end]
        streamed += sample.feed(piece, [Token(piece, -1.0)])
    streamed += sample.finish(FinishReason.LENGTH)
    assert sample.text == healed(prefix, generated, *stops)
    assert tuple(streamed) == sample.tokens
    assert sample.text in "".join(token.text for token in sample.tokens)


@given(WORDS, st.lists(st.text("ab \n", min_size=1, max_size=3), min_size=1, max_size=3))
def test_no_text_holds_a_stop_string(generated: str, stops: list[str]) -> None:
    text = healed("x", generated, *stops)
    assert not any(stop in text for stop in stops)
    assert generated.startswith(text)


def test_tokens_are_streamed_once_it_is_certain_that_no_stop_string_has_begun() -> None:
    sample = Sample(Cut.of("x"), Sampling(64, stop=("\n\n",)))
    assert sample.feed("a", [Token("a", -1.0)]) == [Token("a", -1.0)]
    assert sample.feed("\n", [Token("\n", -2.0)]) == []
    assert sample.feed("b", [Token("b", -3.0)]) == [Token("\n", -2.0), Token("b", -3.0)]
    assert sample.feed("\n", [Token("\n", -4.0)]) == []
    assert sample.feed("\nc", [Token("\nc", -5.0)]) == []
    assert sample.text == "a\nb"


def test_a_dedent_ends_a_sample_at_once() -> None:
    sample = Sample(Cut.of("    x = 1\n    "), Sampling(64))
    sample.feed("\n", [])
    assert sample.finish_reason is None
    sample.feed("def", [Token("def", -1.0)])
    assert sample.finish_reason is FinishReason.STOP
    assert sample.text == ""
    assert sample.tokens == ()
