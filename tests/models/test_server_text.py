"""What is shown of a sample's tokens."""

from hypothesis import given
from hypothesis import strategies as st

from rung.models.server.text import Spelling, Stops

from .server_made import tokenizer

PIECES = st.lists(st.text("ab\n", max_size=4), max_size=12)
STOPS = st.lists(st.text("ab\n", min_size=1, max_size=3), max_size=3)


def cut(text: str, stops: list[str]) -> str:
    """Before the stop string that is complete first; of two, the one that began first."""
    found = [(at + len(stop), at) for stop in stops if (at := text.find(stop)) >= 0]
    return text[: min(found)[1]] if found else text


@given(PIECES, STOPS)
def test_a_stop_string_cuts_however_the_text_comes(pieces: list[str], stops: list[str]) -> None:
    held = Stops(stops)
    shown = ""
    for piece in pieces:
        shown += held.feed(piece)
        assert cut("".join(pieces), stops).startswith(shown)
    assert shown + held.end() == cut("".join(pieces), stops)


@given(st.text(max_size=30))
def test_characters_come_whole_and_all_of_them_come(text: str) -> None:
    known = tokenizer()
    whole = text.encode("utf-8", "ignore").decode()
    tokens = known.encode(whole, add_special_tokens=False)
    spelling = Spelling(lambda ids: known.decode(ids, skip_special_tokens=True), [])
    pieces = [spelling.add(token) for token in tokens]
    assert "".join(pieces) + spelling.rest() == whole


def test_half_a_character_is_not_lost_at_the_end() -> None:
    known = tokenizer()
    spelling = Spelling(known.decode, [])
    assert spelling.add(known.encode("é")[0]) == ""
    assert spelling.rest() == "\ufffd"
