"""A trimmed checkpoint: the same weights for the tokens that it keeps, and every text can be written with them."""

from __future__ import annotations

import hashlib
import runpy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.models.catalogue import Checkpoint
from rung.models.reshape import Wanted, trim
from rung.models.reshape.layout import Layout
from rung.models.reshape.tokenizer import BYTE_OF, Tokenizer, tokenizer_of

_made = runpy.run_path(str(Path(__file__).with_name("reshape_made.py")))
CODE, RARE = _made["CODE"], _made["RARE"]
KINDS = ("sentencepiece", "byte_pair")


@dataclass(frozen=True)
class Pair:
    """The files before and after, and their tokenizers in llama.cpp."""

    before: Path
    checkpoint: Checkpoint
    cut_before: Any
    cut_after: Any
    kept: list[int]
    tokenizer: Tokenizer
    after: Tokenizer
    pieces: frozenset[bytes]


@pytest.fixture(scope="module", params=KINDS)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("reshape")
    before = _made[request.param](folder / "whole.gguf", untied=request.param == "byte_pair")
    (folder / "code.py").write_text(CODE, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUNG_MODELS_DIR", str(folder / "store"))
        done = trim(str(before), [folder / "code.py"], Wanted(min_count=1), new_name="small")
    path = done.checkpoint.path
    whole, after = tokenizer_of(Layout(before)), tokenizer_of(Layout(path))
    kept = [whole.texts.index(text) for text in after.texts]
    there = frozenset(_bytes(after, text) for text in after.texts)
    with _made["cutter"](before) as cut_before, _made["cutter"](path) as cut_after:
        yield Pair(before, done.checkpoint, cut_before.cut, cut_after.cut, kept, whole, after, there)


def _rows(path: Path, tensor: str) -> Any:
    (found,) = [t for t in gguf.GGUFReader(path).tensors if t.name == tensor]
    return np.asarray(found.data)


def test_a_kept_token_has_the_row_that_it_had(pair: Pair) -> None:
    tables = [t.name for t in gguf.GGUFReader(pair.before).tensors if t.name in ("token_embd.weight", "output.weight")]
    for table in tables:
        before, after = _rows(pair.before, table), _rows(pair.checkpoint.path, table)
        assert after.dtype == before.dtype
        assert (after == before[pair.kept]).all()


def test_what_is_no_table_of_tokens_is_the_same(pair: Pair) -> None:
    before, after = gguf.GGUFReader(pair.before), gguf.GGUFReader(pair.checkpoint.path)
    assert [t.name for t in after.tensors] == [t.name for t in before.tensors]
    for one, other in zip(before.tensors, after.tensors, strict=True):
        if one.name not in ("token_embd.weight", "output.weight"):
            assert one.tensor_type == other.tensor_type
            assert np.array_equal(one.data, other.data)
    changed = {"llama.vocab_size", *(key for key in before.fields if key.startswith(("tokenizer.ggml", "GGUF")))}
    for key in before.fields.keys() - changed:
        assert after.fields[key].contents() == before.fields[key].contents()


def test_scores_types_and_merges_go_with_the_tokens(pair: Pair) -> None:
    before, after = pair.tokenizer, pair.after
    assert after.types == [before.types[token] for token in pair.kept]
    assert after.scores == [before.scores[token] for token in pair.kept if before.scores]
    there = set(after.texts)
    assert after.merges == [(a, b) for a, b in before.merges if {a, b, a + b} <= there]
    assert gguf.GGUFReader(pair.checkpoint.path).fields["llama.vocab_size"].contents() == len(after.texts)
    assert len(after.texts) % 64 == 0


def test_named_tokens_are_the_same_texts(pair: Pair) -> None:
    before, after = pair.tokenizer, pair.after
    assert before.ids.keys() == after.ids.keys()
    for name, token in before.ids.items():
        assert after.texts[after.ids[name]] == before.texts[token]


def test_special_and_byte_tokens_stay_and_placeholders_go(pair: Pair) -> None:
    texts, before = set(pair.after.texts), pair.tokenizer
    assert texts >= {before.texts[token] for token in (*before.special(), *before.byte_tokens())}
    assert not [text for text in texts if text.startswith("<unused")]


@given(text=st.text())
def test_any_text_comes_back_as_from_the_whole_vocabulary(pair: Pair, text: str) -> None:
    # SentencePiece writes a blank as ▁, so a ▁ comes back as a blank.
    expected = text.replace("▁", " ") if pair.tokenizer.kind == "llama" else text
    assert b"".join(pair.cut_after(text)) == expected.encode()
    assert b"".join(pair.cut_before(text)) == expected.encode()


@given(words=st.lists(st.sampled_from(sorted({*(CODE + RARE).split(" "), "\n", "\t\t", "first", "firstitems"}))))
def test_a_text_whose_tokens_are_all_kept_is_cut_as_before(pair: Pair, words: list[str]) -> None:
    text = " ".join(words)
    before = pair.cut_before(text)
    if pair.pieces.issuperset(before):
        assert pair.cut_after(text) == before


def test_the_corpus_is_cut_as_before(pair: Pair) -> None:
    assert pair.cut_after(CODE) == pair.cut_before(CODE)
    assert pair.cut_after(RARE) != pair.cut_before(RARE)


def test_every_kept_token_is_still_reached(pair: Pair) -> None:
    reached = 0
    for token, kind in enumerate(pair.after.types):
        text = _bytes(pair.after, pair.after.texts[token])
        if kind == 1 and pair.cut_before(_text(text)) == [text]:
            assert pair.cut_after(_text(text)) == [text]
            reached += 1
    assert reached > 100


def test_the_logits_of_kept_tokens_are_the_same(pair: Pair) -> None:
    prompt = pair.kept[-20:]
    before = _made["logits_after"](pair.before, prompt)
    after = _made["logits_after"](pair.checkpoint.path, [pair.kept.index(token) for token in prompt])
    assert np.allclose(after, before[pair.kept], rtol=1e-4, atol=1e-4)


def test_the_record_says_what_it_was_made_of(pair: Pair) -> None:
    origin = pair.checkpoint.made_from
    assert origin is not None
    assert (origin.name, origin.how) == ("whole.gguf", "trimmed")
    assert origin.sha256 == _sha256(pair.before)
    assert pair.checkpoint.sha256 == _sha256(pair.checkpoint.path)
    assert origin.options["tokens"] == str(len(pair.kept))
    assert pair.checkpoint.title == f"Tiny, {len(pair.kept):,} tokens"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _bytes(tokenizer: Tokenizer, token: str) -> bytes:
    if tokenizer.kind == "llama":
        return bytes([int(token[1:-1], 16)]) if token.startswith("<0x") else token.replace("▁", " ").encode()
    return bytes(BYTE_OF[letter] for letter in token) if set(token) <= BYTE_OF.keys() else token.encode()


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return ""
