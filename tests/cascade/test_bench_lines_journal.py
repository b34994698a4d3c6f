"""The journal outlives its process, and says what is wrong with it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rung.cascade.bench.lines.journal import Journal, journal
from rung.cascade.tune.recording import RecordingError

from .lines_made import HEADER

_WRITER = """
import sys
from pathlib import Path
from rung.cascade.bench.lines.journal import Header, journal
with journal(Path(sys.argv[1]), Header(*sys.argv[2:6])) as opened:
    number = 0
    while True:
        key = f"call {number}"
        if opened.find(key) is None:
            opened.append(key, {"text": "x" * 5000})
            print(number, flush=True)
        number += 1
"""


def keys(opened: Journal, most: int) -> list[str]:
    return [key for number in range(most) if opened.find(key := f"call {number}") is not None]


def test_what_was_written_before_a_kill_is_there_and_the_next_process_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "calls.jsonl"
    told = -1
    for _ in range(3):
        command = [sys.executable, "-c", _WRITER, str(path), *(getattr(HEADER, name) for name in HEADER.__slots__)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            first = int(writer.stdout.readline())
            assert first in (told + 1, told + 2)  # the last one may have been written and not told
            told = max(int(writer.stdout.readline()) for _ in range(20))
            os.kill(writer.pid, signal.SIGKILL)
            told = max([told, *map(int, writer.stdout.read().split())])
    with journal(path, HEADER) as opened:
        there = keys(opened, told + 10)
        assert there[: told + 1] == [f"call {number}" for number in range(told + 1)]
        assert all(opened.find(key) == {"text": "x" * 5000} for key in there)


@settings(max_examples=30)
@given(st.text(st.characters(), max_size=30), st.integers(0, 200))
def test_a_torn_last_line_counts_for_nothing(text: str, length: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "calls.jsonl")
        with journal(path, HEADER) as opened:
            opened.append("a", {"text": text})
            whole = path.read_bytes()
            opened.append("b", {"text": text})
        path.write_bytes(path.read_bytes()[: max(len(whole), len(path.read_bytes()) - 1 - length)])
        with journal(path, HEADER) as again:
            assert again.find("a") == {"text": text}
            assert again.find("b") is None
        assert path.read_bytes() == whole


@pytest.mark.parametrize("name", ["small", "large", "engine", "versions"])
def test_a_journal_of_other_models_or_settings_is_not_gone_on_with(tmp_path: Path, name: str) -> None:
    path = tmp_path / "calls.jsonl"
    with journal(path, HEADER):
        pass
    before = path.read_bytes()
    with pytest.raises(RecordingError, match=f"was begun with {name} = .*, not other"):  # noqa: SIM117
        with journal(path, replace(HEADER, **{name: "other"})):
            pass
    assert path.read_bytes() == before


def test_two_processes_do_not_write_one_journal(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    with journal(path, HEADER), pytest.raises(RecordingError, match="Another process"), journal(path, HEADER):
        pass


@pytest.mark.parametrize(
    ("line", "said"), [(b"{}\n", "line 2 has no key"), (b"[1]\n", "line 2 is no object"), (b"\xff\n", "line 2 is no")]
)
def test_a_damaged_line_is_named(tmp_path: Path, line: bytes, said: str) -> None:
    path = tmp_path / "calls.jsonl"
    with journal(path, HEADER):
        pass
    path.write_bytes(path.read_bytes() + line)
    with pytest.raises(RecordingError, match=said), journal(path, HEADER):
        pass


def test_another_file_is_not_written_into(tmp_path: Path) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text(json.dumps({"my": "data"}) + "\n")
    with pytest.raises(RecordingError, match="no journal"), journal(path, HEADER):
        pass
    assert json.loads(path.read_text()) == {"my": "data"}
