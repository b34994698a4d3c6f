"""The answers' form, which rung's own client reads too."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from rung.models.http.wire import read_chunk
from rung.models.server.asked import Asked, Counted, Ended, Piece, Scored
from rung.models.server.http.asking import Asking
from rung.models.server.http.json_text import json_bytes
from rung.models.server.http.reply import Reply

# any str: also halves of characters, which a tokenizer may give
TEXTS = st.text(st.characters(), max_size=6)
LOGPROBS = st.floats(max_value=1e-6) | st.just(math.nan)
TOKENS = st.builds(Scored, TEXTS, LOGPROBS, st.lists(st.tuples(TEXTS, LOGPROBS), max_size=3).map(tuple))
PIECES = st.lists(st.builds(Piece, st.integers(0, 1), TEXTS, st.lists(TOKENS, max_size=3).map(tuple)), max_size=5)
ENDS = (Ended(1, "doubt"), Ended(0, "length"))
COUNTED = Counted(5, 1, 4, 2, 3)


def reply(top: int | None = 2, n: int = 2) -> Reply:
    return Reply("fake", Asking(Asked("prompt", n=n, top=top), True, True))


@given(PIECES)
def test_whatever_a_model_writes_every_chunk_is_json_that_the_client_reads(pieces: list[Piece]) -> None:
    answer = reply()
    for piece in pieces:
        sent = json_bytes(answer.piece(piece)).decode()
        assert "\n" not in sent
        assert sent.isascii()
        (choice,) = read_chunk(sent).choices
        assert choice.index == piece.index
        assert choice.text == piece.text.encode("utf-8", "replace").decode()
        if choice.logprobs is not None:
            assert len(choice.logprobs.read()) == len(piece.tokens)


@given(PIECES)
def test_the_whole_answer_says_what_the_chunks_say(pieces: list[Piece]) -> None:
    streamed, at_once = reply(), reply()
    chunks = [read_chunk(json_bytes(streamed.piece(piece)).decode()).choices[0] for piece in pieces]
    whole = json.loads(json_bytes(at_once.whole(pieces, ENDS, COUNTED)))
    assert [choice["finish_reason"] for choice in whole["choices"]] == ["length", "doubt"]
    for choice in whole["choices"]:
        mine = [chunk for chunk in chunks if chunk.index == choice["index"]]
        assert choice["text"] == "".join(chunk.text or "" for chunk in mine)
        tokens = [token.text for chunk in mine if chunk.logprobs for token in chunk.logprobs.read()]
        assert (choice["logprobs"] or {"tokens": []})["tokens"] == tokens


def test_log_probabilities_have_the_classic_form() -> None:
    tokens = (Scored("a", -0.25, (("a", -0.25), ("b", -2.0))), Scored("cé", -4.0, (("x", -0.5), ("y", -2.0))))
    answer = reply(n=1)
    first = answer.piece(Piece(0, "a", tokens[:1]))["choices"]
    second = answer.piece(Piece(0, "cé", tokens[1:]))["choices"]
    assert [choice["logprobs"] for choices in (first, second) for choice in _list(choices)] == [
        {"tokens": ["a"], "token_logprobs": [-0.25], "top_logprobs": [{"a": -0.25, "b": -2.0}], "text_offset": [6]},
        {
            "tokens": ["cé"],
            "token_logprobs": [-4.0],
            "top_logprobs": [{"x": -0.5, "y": -2.0, "cé": -4.0}],
            "text_offset": [7],
        },
    ]


def test_the_drawn_token_is_among_the_likeliest_however_it_is_spelled_alone() -> None:
    half = Scored("", -0.5, (("\ufffd", -0.5), ("x", -math.inf)))
    (choice,) = _list(reply(n=1).piece(Piece(0, "", (half,)))["choices"])
    assert choice["logprobs"] == {
        "tokens": [""],
        "token_logprobs": [-0.5],
        "top_logprobs": [{"\ufffd": -0.5, "x": -9999.0}],
        "text_offset": [6],
    }


def test_no_alternatives_are_given_where_none_were_asked_for() -> None:
    tokens = (Scored("a", -0.25, (("a", -0.25),)),)
    (none,) = _list(reply(top=None, n=1).piece(Piece(0, "a", tokens))["choices"])
    (zero,) = _list(reply(top=0, n=1).piece(Piece(0, "a", tokens))["choices"])
    assert none["logprobs"] is None
    assert zero["logprobs"] == {"tokens": ["a"], "token_logprobs": [-0.25], "top_logprobs": None, "text_offset": [6]}


def _list(choices: object) -> list[dict[str, object]]:
    assert isinstance(choices, list)
    return choices
