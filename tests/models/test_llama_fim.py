"""Fill-in-the-middle, on a tiny checkpoint whose metadata names the tokens for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.models.llama.engine.engine import Engine
from rung.models.llama.settings import EngineSettings
from rung.models.protocol import Prompt, Sampling

from .llama_asking import Asking
from .reshape_made import byte_pair

BEGIN, PREFIX, SUFFIX, MIDDLE = 0, 1, 2, 3
NAMED: dict[str, Any] = {"tokenizer.ggml.fim_suf_token_id": SUFFIX, "tokenizer.ggml.fim_mid_token_id": MIDDLE}
CODE = st.text(st.sampled_from("def first(items):\n  return =+x1"), min_size=1, max_size=60)


def opened(path: Path) -> Engine:
    return Engine(path, EngineSettings(context=128, cache_mb=16, threads=1))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = opened(byte_pair(tmp_path_factory.mktemp("fim") / "fim.gguf", pairs=NAMED))
    yield engine
    engine.close()


@given(CODE, CODE)
def test_the_suffix_stands_before_the_middle_and_both_are_whole(engine: Engine, prefix: str, suffix: str) -> None:
    vocabulary = engine.vocabulary
    encoded = vocabulary.encode(Prompt(prefix, suffix), 10_000)
    begin = [BEGIN] if encoded.tokens[0] == BEGIN else []
    before, after = vocabulary.tokenize(prefix), vocabulary.tokenize(suffix)
    assert encoded.tokens == [*begin, PREFIX, *before, SUFFIX, *after, MIDDLE]
    assert encoded.healed == b""  # such models are trained on texts cut anywhere


@given(CODE, CODE, st.integers(16, 60))
def test_what_is_far_from_the_cursor_goes_first(engine: Engine, prefix: str, suffix: str, room: int) -> None:
    vocabulary = engine.vocabulary
    tokens = vocabulary.encode(Prompt(prefix * 20, suffix * 20), room).tokens
    assert len(tokens) <= room
    start, middle = tokens.index(PREFIX) + 1, tokens.index(SUFFIX)
    before, after = tokens[start:middle], tokens[middle + 1 : -1]
    assert vocabulary.tokenize(prefix * 20)[-len(before) :] == before
    assert vocabulary.tokenize(suffix * 20)[: len(after)] == after
    assert before
    assert after


def test_it_is_generated_from_and_no_token_of_it_comes_into_the_text(engine: Engine) -> None:
    (generation,) = Asking(engine).generate(Prompt("def first(items):\n    return ", "\n"), Sampling(8))
    assert generation.usage.generated >= 1
    assert "fim" not in generation.text


def test_without_such_tokens_the_suffix_is_left_out(tmp_path: Path) -> None:
    engine = opened(byte_pair(tmp_path / "plain.gguf"))
    try:
        assert not engine.vocabulary.fills_middle
        with_suffix, without = (engine.vocabulary.encode(Prompt("x = 1", suffix), 100) for suffix in ("\ny", ""))
        assert with_suffix == without
    finally:
        engine.close()
