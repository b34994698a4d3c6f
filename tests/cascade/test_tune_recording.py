"""Recordings: a format that is read as it was written, and a journal that outlives its process."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.tune.journal import journal
from rung.cascade.tune.recording import (
    Entry,
    Header,
    Part,
    RecordingError,
    Sample,
    entry_line,
    header_line,
    parse,
    read,
    whole_lines,
)
from rung.models.price import Price

HEADER = Header("set", 2, "d", "small", "model", 2, 4, True, 0.8, 256, 40, Price(0.1, 0.4), 7)
TEXT = st.text(st.characters(), max_size=30)  # line breaks of all kinds, lone surrogates
TOKENS = st.lists(st.tuples(TEXT, st.floats(-50, 0)), max_size=4)
SAMPLES = st.builds(
    lambda text, tokens, seconds: Sample(
        text, tuple(t for t, _ in tokens), tuple(p for _, p in tokens), "stop", 9, len(tokens), True, seconds
    ),
    TEXT,
    TOKENS,
    st.floats(0, 1e4),
)


def entry(problem: str = "a", part: Part = Part.SOLUTIONS, text: str = "x") -> Entry:
    sample = Sample(text, ("x",), (-0.5,), "stop", 3, 1, True, 0.25)
    return Entry(problem, part, (sample,) * (1 if part.greedy else HEADER.k), 1e-6, 0.5)


@given(st.lists(st.tuples(TEXT, SAMPLES, SAMPLES), max_size=4, unique_by=lambda row: row[0]))
def test_what_is_written_is_read(rows: list[tuple[str, Sample, Sample]]) -> None:
    entries = [Entry(problem, Part.TESTS, (one, two), 0.5, 1.5) for problem, one, two in rows]
    lines = [header_line(HEADER), *map(entry_line, entries)]
    assert all(line.count(b"\n") == 1 and line.endswith(b"\n") for line in lines)
    recording = parse(Path("x"), b"".join(lines))
    assert recording.header == HEADER
    assert list(recording.entries.values()) == entries


@given(st.integers(0, 400))
def test_any_beginning_of_a_recording_is_one_without_its_torn_line(length: int) -> None:
    lines = [header_line(HEADER), entry_line(entry("a")), entry_line(entry("b"))]
    content = b"".join(lines)[: len(lines[0]) + length]
    kept = parse(Path("x"), whole_lines(content))
    whole = content.count(b"\n") - 1
    assert [problem for problem, _ in kept.entries] == ["a", "b"][:whole]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_recording_or_refused_in_a_sentence(content: bytes) -> None:
    with pytest.raises(RecordingError) as refused:
        parse(Path("x.jsonl"), content)
    assert "x.jsonl" in str(refused.value)


def changed(line: bytes, **values: object) -> bytes:
    return json.dumps({**json.loads(line), **values}).encode() + b"\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (changed(header_line(HEADER), version=2), "version 2"),
        (changed(header_line(HEADER), format="other"), "no recording of rung"),
        (changed(header_line(HEADER), k=0), "at least 1"),
        (changed(header_line(HEADER), k="2"), "not of type int"),
        (changed(header_line(HEADER), price={"input_usd": -1, "output_usd": 0}), "0 or more"),
        (header_line(HEADER) + changed(entry_line(entry()), part="other"), "line 2"),
        (header_line(HEADER) + changed(entry_line(entry()), samples=[]), "do not fit the header"),
        (header_line(HEADER) + entry_line(entry()) * 2, "line 3: solutions of a is there twice"),
        (header_line(HEADER) + b"{}\n", "line 2"),
        (header_line(HEADER) + b"\n", "line 2"),
    ],
)
def test_what_is_wrong_with_a_recording_is_said_with_its_line(line: bytes, said: str) -> None:
    with pytest.raises(RecordingError, match=said):
        parse(Path("x.jsonl"), line)


def test_a_journal_goes_on_where_its_process_died(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "small.jsonl"
    with journal(path, HEADER) as first:
        first.append(entry("a"))
    with path.open("ab") as file:
        file.write(entry_line(entry("b"))[:-9])
    with journal(path, HEADER) as second:
        assert list(second.recording.entries) == [("a", Part.SOLUTIONS)]
        second.append(entry("c"))
    assert [problem for problem, _ in read(path).entries] == ["a", "c"]


def test_a_journal_that_died_in_its_first_line_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "small.jsonl"
    path.write_bytes(header_line(HEADER)[:20])
    with journal(path, HEADER) as opened:
        opened.append(entry())
    assert read(path).header == HEADER


@pytest.mark.parametrize(
    ("other", "said"),
    [({"k": 3}, "k = 2, not 3"), ({"digest": "e"}, "other problems"), ({"seed": 8}, "seed = 7, not 8")],
)
def test_a_journal_of_other_settings_is_not_gone_on_with(tmp_path: Path, other: dict[str, int], said: str) -> None:
    path = tmp_path / "small.jsonl"
    with journal(path, HEADER):
        pass
    before = path.read_bytes()
    with pytest.raises(RecordingError, match=said), journal(path, replace(HEADER, **other)):
        pass
    assert path.read_bytes() == before


def test_two_processes_do_not_write_one_journal(tmp_path: Path) -> None:
    path = tmp_path / "small.jsonl"
    with journal(path, HEADER), pytest.raises(RecordingError, match="Another process"), journal(path, HEADER):
        pass


def test_a_recording_that_is_not_there_is_said() -> None:
    with pytest.raises(RecordingError, match="nowhere"):
        read(Path("/nowhere/x.jsonl"))
