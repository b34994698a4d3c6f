"""Open documents: positions, changes, windows, framing."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from rung.lsp.server.columns import to_code_points, to_units
from rung.lsp.server.documents import Document, Place, without_end
from rung.lsp.server.frames import MAX_HEADER, BrokenFraming, FrameParser
from rung.lsp.server.spot import Spot
from rung.lsp.server.windows import WINDOW, text_after, text_before

ENCODINGS = ["utf-8", "utf-16", "utf-32"]
texts = st.text(st.sampled_from("ab\r\n\x0c\u2028é😀\ud83d\x85"), max_size=30)
places = st.tuples(st.integers(0, 12), st.integers(0, 40))


@given(texts, st.integers(0, 30), st.sampled_from(ENCODINGS))
def test_a_column_survives_the_way_to_the_client_and_back(text: str, column: int, encoding: str) -> None:
    column = min(column, len(text))
    assert to_code_points(text, to_units(text, column, encoding), encoding) == column


@given(texts, st.integers(0, 200), st.sampled_from(ENCODINGS))
def test_any_column_is_within_the_line(text: str, column: int, encoding: str) -> None:
    assert 0 <= to_code_points(text, column, encoding) <= len(text)


@given(texts)
def test_lines_end_where_lsp_says_and_nowhere_else(text: str) -> None:
    document = Document("untitled:a", text, 1, "", "utf-32")
    assert "".join(document.lines) == text
    assert [without_end(line) for line in document.lines] == text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


@given(texts, st.lists(st.tuples(places, places, texts), max_size=6), st.sampled_from(ENCODINGS))
def test_changes_do_what_they_do_to_a_plain_string(
    text: str, changes: list[tuple[tuple[int, int], tuple[int, int], str]], encoding: str
) -> None:
    document = Document("untitled:a", text, 1, "", encoding)
    for start, end, new in changes:
        span = types.Range(types.Position(*start), types.Position(*end))
        first, last = sorted((offset(document, span.start), offset(document, span.end)))
        text = text[:first] + new + text[last:]
        document.apply_change(types.TextDocumentContentChangePartial(range=span, text=new))
        assert document.source == text
        assert list(document.lines) == list(Document("untitled:b", text, 1, "", encoding).lines)


@given(texts, places)
def test_a_window_is_the_text_around_the_cursor_with_newlines(text: str, at: tuple[int, int]) -> None:
    document = Document("untitled:a", text, 1, "", "utf-32")
    place = document.locate(types.Position(*at))
    before, after = text_before(document, place), text_after(document, place)
    clean = text.replace("\r\n", "\n").replace("\r", "\n").replace("\ud83d", "\ufffd")
    assert before + after == clean
    assert before.count("\n") == place.line
    (before + after).encode()


@pytest.mark.parametrize("line", ["x" * 200_000, "é" * 200_000, "😀" * 200_000, "\n" * 200_000])
def test_a_window_of_a_huge_line_is_cut_within_it(line: str) -> None:
    document = Document("untitled:a", line, 1, "", "utf-32")
    middle = Place(100_000, 0) if line[0] == "\n" else Place(0, 100_000)
    before, after = text_before(document, middle), text_after(document, middle)
    for side, least in ((before, WINDOW * 3 // 4), (after, WINDOW - 4)):
        assert least < len(side.encode()) <= WINDOW
        assert set(side) == {line[0]}


@pytest.mark.parametrize(
    ("text", "limit_s"), [("    value = f(argument, 12)  # é\n" * 300_000, 0.02), ("x" * 10_000_000 + "é", 0.1)]
)
def test_a_change_in_ten_megabytes_stalls_nothing(text: str, limit_s: float) -> None:
    document = Document("file:///a.py", text, 1, "python", "utf-16")
    line = min(len(document.lines) - 1, 150_000)
    at = types.Position(line, 4)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        document.apply_change(types.TextDocumentContentChangePartial(range=types.Range(at, at), text="x"))
        place = document.locate(at)
        text_before(document, place)
        text_after(document, place)
        times.append(time.perf_counter() - began)
    assert min(times) < limit_s


@given(texts, places, st.text("ab", max_size=3), st.integers(0, 3))
def test_what_was_typed_at_a_spot_is_found_wherever_the_editor_says_it_was_typed(
    text: str, at: tuple[int, int], typed: str, lines_above: int
) -> None:
    document = Document("untitled:a", text, 1, "", "utf-32")
    place = document.locate(types.Position(*at))
    spot = Spot.at(document, place, place)
    above = types.TextDocumentContentChangePartial(
        range=types.Range(types.Position(0, 0), types.Position(0, 0)), text="import x\n" * lines_above
    )
    if place.line > 0:
        document.apply_change(above)
        spot.follow(above)
        place = Place(place.line + lines_above, place.column)
    for count, character in enumerate(typed):
        here = types.Position(place.line, place.column + count)
        change = types.TextDocumentContentChangePartial(range=types.Range(here, here), text=character)
        document.apply_change(change)
        spot.follow(change)
    assert spot.since(document, 10) == typed
    whole = types.TextDocumentContentChangeWholeDocument(text=document.source)
    document.apply_change(whole)
    spot.follow(whole)
    assert spot.since(document, 10) == typed


def test_text_before_the_spot_that_is_erased_takes_the_spot_away() -> None:
    document = Document("untitled:a", "abc\ndef", 1, "", "utf-32")
    spot = Spot.at(document, Place(0, 2), Place(0, 2))
    change = types.TextDocumentContentChangePartial(
        range=types.Range(types.Position(0, 1), types.Position(0, 2)), text=""
    )
    document.apply_change(change)
    spot.follow(change)
    assert spot.since(document, 10) is None


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=5), st.lists(st.integers(1, 40)))
def test_frames_are_found_however_the_stream_is_cut(bodies: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(b"Content-Length: %d\r\nContent-Type: x\r\n\r\n%b" % (len(body), body) for body in bodies)
    parser, found = FrameParser(), []
    for cut in [*cuts, len(stream) or 1]:
        found += parser.feed(stream[:cut])
        stream = stream[cut:]
    assert found == bodies


@given(st.binary(max_size=200))
def test_no_bytes_make_the_parser_fail_otherwise(data: bytes) -> None:
    with suppress(BrokenFraming):
        list(FrameParser().feed(data))


def test_a_header_may_not_be_endless() -> None:
    parser = FrameParser()
    with pytest.raises(BrokenFraming):
        list(parser.feed(b"Content-Type: " + b"x" * (MAX_HEADER + 1)))


def offset(document: Document, position: types.Position) -> int:
    place = document.locate(position)
    return sum(len(line) for line in document.lines[: place.line]) + place.column
