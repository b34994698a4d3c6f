"""How long hands pause, from recordings and from published figures."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.bench.data import DataMissing
from rung.cascade.bench.typing.keys import KeyKind
from rung.cascade.bench.typing.pauses import LONGEST_S, Published, Recorded
from rung.cascade.bench.typing.recording import read_recording

TAPES = {KeyKind.WITHIN: (0.1, 0.2, 9.0), KeyKind.WORD: (0.5, 0.6)}


@given(st.lists(st.sampled_from(KeyKind)), st.integers())
def test_the_same_seed_pauses_the_same_and_never_longer_than_the_longest(kinds: list[KeyKind], seed: int) -> None:
    for hand in (Published(), Recorded("a", TAPES)):
        pauses = hand.pauses(kinds, seed)
        assert pauses == hand.pauses(kinds, seed)
        assert len(pauses) == len(kinds)
        assert all(0 < pause <= LONGEST_S for pause in pauses)


def test_recorded_pauses_come_in_the_order_in_which_they_were_typed() -> None:
    pauses = Recorded("a", TAPES).pauses([KeyKind.WITHIN] * 5, 3)
    assert {tuple(pauses[at : at + 3]) for at in range(3)} == {(0.1, 0.2, 3.0), (0.2, 3.0, 0.1), (3.0, 0.1, 0.2)}
    assert pauses[:2] == pauses[3:]


def test_a_kind_that_was_not_recorded_pauses_as_the_first_key_of_a_word() -> None:
    assert set(Recorded("a", TAPES).pauses([KeyKind.LINE, KeyKind.SIGN], 1)) == {0.5, 0.6}


def test_drawn_pauses_have_the_mean_and_the_deviation_that_were_published() -> None:
    pauses = Published().pauses([KeyKind.WITHIN] * 20_000, 1)
    assert statistics.mean(pauses) == pytest.approx(0.238656, rel=0.02)
    assert statistics.stdev(pauses) == pytest.approx(0.1116, rel=0.05)


def recording(*, json: bool) -> str:
    keys = [(key, at / 1000) for at, key in enumerate("two words, and more; " * 40)]
    if json:
        return "".join(f'{{"key": "{key}", "pause_s": {pause}}}\n' for key, pause in keys)
    return "pause_s,key,typist\n" + "".join(f'{pause},"{key}",ann\n' for key, pause in keys) + "x,Shift,ann\n"


@pytest.mark.parametrize("json", [False, True])
def test_a_recording_is_read_from_csv_and_from_json_lines(tmp_path: Path, json: bool) -> None:
    file = tmp_path / "typing"
    file.write_text(recording(json=json))
    (person,) = read_recording(file)
    assert person.name == ("" if json else "ann")
    assert person.tapes[KeyKind.WITHIN][:2] == [0.001, 0.002]
    assert {kind: len(tape) for kind, tape in person.tapes.items()} == {
        KeyKind.WITHIN: 440,
        KeyKind.WORD: 159,
        KeyKind.BLANK: 160,
        KeyKind.SIGN: 80,
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds too few keys"),
        (b"pause_s,key\n0.1,a\n", "holds too few keys"),
        (b"\xff\xfe\x00", "is no text"),
        (b'{"key": ', "is no recording"),
        (b'{"key": "a"}\n[1]\n', "is no object"),
        (b'{"key": "a", "pause_s": "nan"}\n', "holds too few keys"),
    ],
)
def test_what_is_no_recording_is_a_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "typing"
    file.write_bytes(content)
    with pytest.raises(DataMissing, match=said):
        read_recording(file)
    with pytest.raises(DataMissing, match="cannot be read"):
        read_recording(tmp_path)
