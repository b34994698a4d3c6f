"""Tokens, chunks, terms and their scores."""

from __future__ import annotations

import re
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.retrieval.cutting import FEWEST, MAX_CHARACTERS, MOST, cut
from rung.cascade.retrieval.fusing import SHARE, fused
from rung.cascade.retrieval.terms import near_terms, rarity, telling
from rung.cascade.retrieval.tokens import LONGEST, tokens

CODE = st.text(st.sampled_from("ab_ZX9 \t\n(é日\r\0\ud800"), max_size=300)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HTTPServer_v2", ["httpserver_v2", "http", "server"]),
        ("getUserName", ["getusername", "get", "user", "name"]),
        ("snake_case_2024", ["snake_case_2024", "snake", "case", "2024"]),
        ("__init__", ["init"]),
        ("MAX_BYTES = 404", ["max_bytes", "max", "bytes", "404"]),
        ("parseJSON2XML", ["parsejson2xml", "parse", "json", "xml"]),
        ("ÄpfelKuchen", ["äpfelkuchen", "äpfel", "kuchen"]),
        ("i = x", []),
        ("a" * (LONGEST + 1), []),
    ],
)
def test_an_identifier_gives_itself_and_its_words(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


@given(st.text() | CODE)
def test_any_text_gives_tokens_that_sqlite_takes_for_one_token_each(text: str) -> None:
    found = tokens(text)
    assert all(re.fullmatch(r"\S{2,}", token) and '"' not in token for token in found)
    " ".join(found).encode()


@given(st.lists(st.text(min_size=1), max_size=5))
def test_fts5_finds_exactly_the_tokens_that_were_stored(texts: list[str]) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("""CREATE VIRTUAL TABLE words USING fts5(tokens, tokenize = "ascii tokenchars '_'")""")
    stored = {token for text in texts for token in tokens(text)}
    for text in texts:
        connection.execute("INSERT INTO words VALUES (?)", (" ".join(tokens(text)),))
    connection.execute("CREATE VIRTUAL TABLE vocabulary USING fts5vocab(words, row)")
    assert {term for (term,) in connection.execute("SELECT term FROM vocabulary")} == stored
    for token in stored:
        assert connection.execute("SELECT 1 FROM words WHERE words MATCH ?", (f'"{token}"',)).fetchone()
    connection.close()


@given(st.text() | CODE | st.lists(CODE).map("\n".join))
def test_every_line_with_something_in_it_is_in_exactly_one_chunk_at_its_number(text: str) -> None:
    lines = text.split("\n")
    covered: dict[int, str] = {}
    for first, piece in cut(text):
        for number, line in enumerate(piece.split("\n"), first):
            assert number not in covered
            covered[number] = line
    assert all(lines[number - 1] == line for number, line in covered.items())
    assert all(number in covered for number, line in enumerate(lines, 1) if line.strip())


@given(st.lists(CODE).map("\n".join))
def test_no_chunk_is_longer_than_allowed_unless_it_is_one_line(text: str) -> None:
    for _, piece in cut(text):
        assert piece.count("\n") < MOST
        assert len(piece) <= MAX_CHARACTERS or "\n" not in piece


def test_a_chunk_ends_before_a_definition_rather_than_in_it() -> None:
    functions = [f"def f{i}():\n" + "".join(f"    x{j} = {j}\n" for j in range(8)) for i in range(4)]
    assert [piece.split("(")[0] for _, piece in cut("\n".join(functions))] == [f"def f{i}" for i in range(4)]
    assert FEWEST <= 9 <= MOST


def test_the_line_of_the_cursor_weighs_most_and_the_next_ones_half_as_much_each() -> None:
    weights = near_terms("far_line\nnear_line\n  \ncursor_li", "ne_after\nnext_below\n")
    assert weights["cursor_li"] > weights["near_line"] > weights["far_line"] > 0
    assert weights["cursor_li"] == weights["ne_after"] > weights["next_below"]


def test_a_query_holds_its_most_telling_terms_within_its_postings() -> None:
    weights = {"common": 3.0, "rare": 2.0, "rarer": 1.0, "nowhere": 9.0}
    frequencies = {"common": 900, "rare": 60, "rarer": 50, "nowhere": 0}
    assert telling(weights, frequencies, 1_000) == ["common", "rare"]
    assert telling(weights, frequencies, 500) == ["common"]
    assert telling({}, frequencies, 500) == []


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_token_is_never_worth_less_than_nothing(chunks: int, frequency: int) -> None:
    assert rarity(chunks, frequency) > 0


def test_the_second_query_counts_more_the_surer_the_model_was() -> None:
    first, second = [2.0, 1.0], [0.0, 4.0]
    assert fused(first, [0.0, 0.0], 1.0) == fused(first, [], 1.0) == [1.0, 0.5]
    assert fused(first, second, 0.0) == pytest.approx([1 - SHARE.least, (1 - SHARE.least) / 2 + SHARE.least])
    assert fused(first, second, 1.0) == pytest.approx([1 - SHARE.most, (1 - SHARE.most) / 2 + SHARE.most])
    assert fused([], [], 1.0) == []
