"""The GGUF header reader, on files that are right, cut off and wrong."""

from __future__ import annotations

import runpy
import struct
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.models.catalogue import Fim, InvalidCheckpoint
from rung.models.catalogue.header import read_header

_made = runpy.run_path(str(Path(__file__).with_name("catalogue_made.py")))
tiny_gguf = _made["tiny_gguf"]
CONTENT: bytes = tiny_gguf()


def _read(content: bytes) -> object:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.gguf"
        path.write_bytes(content)
        return read_header(path)


def test_a_header_gives_what_the_catalogue_shows(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(tiny_gguf(title="Tiny \x1b[31m model\n2", context=4096, elements=100))
    header = read_header(path)
    assert header.title == "Tiny [31m model 2"
    assert (header.architecture, header.licence, header.context, header.parameters) == ("llama", "mit", 4096, 100)


@pytest.mark.parametrize(
    ("tokens", "fim"),
    [
        (("a", "b"), None),
        (("<fim_prefix>", "<fim_middle>", "x", "<fim_suffix>"), Fim("<fim_prefix>", "<fim_suffix>", "<fim_middle>")),
        (("<fim_prefix>", "<fim_middle>"), None),
        (
            ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
            Fim("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
        ),
    ],
)
def test_fill_in_the_middle_is_read_from_the_vocabulary(
    tmp_path: Path, tokens: tuple[str, ...], fim: Fim | None
) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(tiny_gguf(tokens=tokens))
    assert read_header(path).fim == fim


@pytest.mark.parametrize("length", [0, 3, 4, 20, 100, 300, len(CONTENT) - 1])
def test_a_file_that_was_cut_off_is_refused(length: int) -> None:
    with pytest.raises(InvalidCheckpoint):
        _read(CONTENT[:length])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04" + CONTENT, "letters GGUF"),
        (b"GGUF" + struct.pack("<I", 1) + CONTENT[8:], "versions 2 and 3"),
        (b"GGUF" + struct.pack(">I", 3) + CONTENT[8:], "little-endian"),
        (CONTENT[:16] + struct.pack("<Q", 1 << 60) + CONTENT[24:], "announces"),
        (CONTENT.replace(b"llama.context_length", b"llama.context_lengtx"), "no context length"),
        (CONTENT[:-4], "cut off"),
    ],
)
def test_a_wrong_file_is_refused_with_its_reason(content: bytes, said: str) -> None:
    with pytest.raises(InvalidCheckpoint, match=said):
        _read(content)


@given(st.integers(4, len(CONTENT) - 300), st.binary(min_size=1, max_size=12))
def test_damage_gives_a_header_or_a_sentence(position: int, damage: bytes) -> None:
    content = CONTENT[:position] + damage + CONTENT[position + len(damage) :]
    with suppress(InvalidCheckpoint):
        _read(content)


@given(st.binary(max_size=200))
def test_any_bytes_after_the_magic_are_refused_with_a_sentence(rest: bytes) -> None:
    with pytest.raises(InvalidCheckpoint):
        _read(b"GGUF" + struct.pack("<I", 3) + rest)
