"""Quantizing by llama.cpp itself, in a process of its own."""

from __future__ import annotations

import runpy
from pathlib import Path

import gguf
import pytest

from rung.models.catalogue import installed
from rung.models.reshape import FTYPES, HEADS, Wanted, quantize, trim

_made = runpy.run_path(str(Path(__file__).with_name("reshape_made.py")))


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNG_MODELS_DIR", str(tmp_path / "store"))


def _types(path: Path) -> dict[str, str]:
    return {tensor.name: tensor.tensor_type.name for tensor in gguf.GGUFReader(path).tensors}


@pytest.mark.parametrize("head", [None, "Q4_0", "Q8_0"])
def test_the_weights_and_the_head_have_the_types_that_were_asked_for(tmp_path: Path, head: str | None) -> None:
    path = _made["sentencepiece"](tmp_path / "whole.gguf", untied=True)
    made = quantize(str(path), "Q4_0", head=head)
    types = _types(made.path)
    assert types["blk.0.ffn_up.weight"] == "Q4_0"
    if head:
        assert {types["token_embd.weight"], types["output.weight"]} == {head}
    assert made.name == "whole-q4_0" + (f"-head-{head.lower()}" if head else "")
    assert made.made_from is not None
    assert made.made_from.options == {"to": "Q4_0", **({"head": head} if head else {})}
    assert installed() == [made]


def test_what_was_trimmed_can_be_quantized_and_says_what_it_comes_from(tmp_path: Path) -> None:
    path = _made["byte_pair"](tmp_path / "whole.gguf")
    (tmp_path / "code.py").write_text(_made["CODE"], encoding="utf-8")
    trimmed = trim(str(path), [tmp_path / "code.py"], Wanted(min_count=1), new_name="small").checkpoint
    made = quantize("small", "Q4_0", head="Q4_0")
    assert made.made_from is not None
    assert (made.made_from.name, made.made_from.sha256) == ("small", trimmed.sha256)
    assert str(made.made_from) == "quantized from small (to Q4_0 head Q4_0)"
    assert made.size < trimmed.size


def test_the_numbers_of_types_are_those_of_ggml() -> None:
    for name, number in HEADS.items():
        assert gguf.GGMLQuantizationType[name] == number
    for name, (number, _) in FTYPES.items():
        assert gguf.LlamaFileType[f"MOSTLY_{name}"] == number


def test_the_sizes_of_blocks_are_those_of_ggml() -> None:
    from rung.models.catalogue.header import BLOCKS

    ours = {kind: sizes for kind, sizes in BLOCKS.items() if kind in list(gguf.GGMLQuantizationType)}
    assert ours == {kind: gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType(kind)] for kind in ours}
    assert len(ours) > 25
