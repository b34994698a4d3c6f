"""`rung complete` as a person runs it, and the places it understands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from rung.lsp.cli.complete import PlaceRefused, read_spot
from rung.lsp.cli.main import app

SOURCE = "import os\n\n\ndef read(path):\n    with open(path) as file:\n        return file."


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RUNG_CONFIG", str(tmp_path / "config.yaml"))
    monkeypatch.setenv("RUNG_DB", str(tmp_path / "rung.db"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "config.yaml").write_text("enabled: false\n")
    return tmp_path


def written(folder: Path, text: str | bytes, name: str = "a.py") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def spot_at(folder: Path, text: str, place: str) -> tuple[str, str]:
    spot = read_spot(f"{written(folder, text)}{place}")
    return spot.before, spot.after


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(app, ["complete", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("a.py", "a.py is no place: write FILE:LINE or FILE:LINE:COLUMN, both counted from 1."),
        ("a.py:0", "a.py:0 is no place"),
        ("a.py:1:0", "a.py:1:0 is no place"),
        ("a.py:one", "a.py:one is no place"),
        (":3", ":3 is no place"),
        ("a.py:99999999999999999999", "is no place"),
        ("missing.py:1", "missing.py cannot be read: No such file or directory."),
        (".:1", ". cannot be read: Is a directory."),
        ("a.py:4", "a.py has 2 lines, not 4."),
        ("a.py:1:7", "Line 1 of a.py has 5 characters, there is no column 7."),
        ("bytes.py:1", "bytes.py is not a UTF-8 text."),
    ],
)
def test_a_place_that_is_none_is_refused_in_a_sentence(
    own_files: Path, monkeypatch: pytest.MonkeyPatch, place: str, said: str
) -> None:
    written(own_files, "x = 1\ny = 2\n")
    written(own_files, b"\xff\xfe", "bytes.py")
    monkeypatch.chdir(own_files)
    result = run(place)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("place", "before", "after"),
    [
        (":1", "ab = 1", "\r\n\r\ncd\r\n"),
        (":1:1", "", "ab = 1\r\n\r\ncd\r\n"),
        (":1:3", "ab", " = 1\r\n\r\ncd\r\n"),
        (":2", "ab = 1\r\n", "\r\ncd\r\n"),
        (":2:1", "ab = 1\r\n", "\r\ncd\r\n"),
        (":3", "ab = 1\r\n\r\ncd", "\r\n"),
        (":4", "ab = 1\r\n\r\ncd\r\n", ""),
    ],
)
def test_lines_and_columns_count_from_1_and_a_line_break_is_no_column(
    own_files: Path, place: str, before: str, after: str
) -> None:
    assert spot_at(own_files, "ab = 1\r\n\r\ncd\r\n", place) == (before, after)


def test_a_column_is_a_character_of_any_width(own_files: Path) -> None:
    assert spot_at(own_files, "é😀 = 1\n", ":1:3") == ("é😀", " = 1\n")


@pytest.mark.parametrize("odd", ["\f", "\v", "\x1c", "\x85", "\u2028"])
def test_only_a_line_break_ends_a_line(own_files: Path, odd: str) -> None:
    assert spot_at(own_files, f"a = 1\n{odd}\nb = 2\n", ":3:2") == (f"a = 1\n{odd}\nb", " = 2\n")


def test_an_empty_file_has_one_line_and_a_path_may_hold_colons(own_files: Path) -> None:
    spot = read_spot(f"{written(own_files, '', 'a:1:b.py')}:1")
    assert (spot.before, spot.after, spot.path.name) == ("", "", "a:1:b.py")


@given(st.text(st.characters(codec="utf-8"), max_size=40), st.integers(1, 9), st.integers(1, 9))
def test_the_two_sides_of_a_place_are_the_file(
    tmp_path_factory: pytest.TempPathFactory, text: str, line: int, column: int
) -> None:
    path = written(tmp_path_factory.getbasetemp(), text, "hypothesis.py")
    try:
        spot = read_spot(f"{path}:{line}:{column}")
    except PlaceRefused:
        return
    assert spot.before + spot.after == text


def test_switched_off_there_is_nothing_to_complete(own_files: Path) -> None:
    result = run(f"{written(own_files, SOURCE)}:6")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "There is nothing to complete at this place.\n"


def test_a_wrong_configuration_is_refused_in_a_sentence_with_its_line(own_files: Path) -> None:
    (own_files / "config.yaml").write_text("theta: 2\n")
    result = run(f"{written(own_files, SOURCE)}:6")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("config.yaml, line 1:")


def test_without_a_checkpoint_it_says_how_to_get_one(own_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNG_MODELS_DIR", str(own_files / "empty"))
    (own_files / "config.yaml").write_text("ladder:\n  - {name: small, checkpoint: smollm2-135m}\n")
    result = run(f"{written(own_files, SOURCE)}:6")
    assert (result.exit_code, result.stdout) == (1, "")
    last = result.stderr.splitlines()[-1]
    assert last.startswith("No completion: ")
    assert last.endswith("run `rung models pull smollm2-135m`.")
    assert not last.endswith("..")


@pytest.mark.real
def test_the_text_is_printed_and_explained_on_the_other_stream(own_files: Path, smollm2: Path) -> None:
    (own_files / "config.yaml").write_text(
        f"theta: 0\ndeadline: {{line: 30}}\nladder:\n  - {{name: small, checkpoint: {smollm2}, context: 512, k: 0}}\n"
    )
    path = written(own_files, f"# é 😀\r\n{SOURCE}\r\n")
    command = [sys.executable, "-c", "from rung.lsp.cli import main; main()", "complete", f"{path}:7", "--explain"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 0
    assert done.stdout.strip()
    assert done.stdout.count("\n") == 1
    assert "small answered: a line task" in done.stderr
    assert "θ" in done.stderr
