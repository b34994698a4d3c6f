"""Real checkpoints, trimmed and quantized by the command and used as a rung."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rung.cascade.bench.comments import COMMENTS
from rung.models.llama import LlamaModel
from rung.models.protocol import Prompt, Sampling
from rung.models.reshape.layout import vocabulary_size

from ..trimming import CORPUS, STANDARD_LIBRARY, rung_models

_made = runpy.run_path(str(Path(__file__).parents[1] / "models" / "reshape_made.py"))
SHRUNK = {"smollm2": 16384, "gemma3": 32768}

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]


@pytest.fixture(scope="module", params=list(SHRUNK))
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, int]:
    whole: Path = request.getfixturevalue(request.param)
    store, size = tmp_path_factory.mktemp("store"), SHRUNK[request.param]
    rung_models(store, "trim", str(whole), *CORPUS, "--tokens", str(size), "--as", "small")
    rung_models(store, "quantize", "small", "--to", "Q4_0", "--head", "Q4_0", "--as", "smaller")
    return whole, store / "small.gguf", size


@pytest.fixture(scope="module")
def cuts(files: tuple[Path, Path, int]) -> Iterator[tuple[Any, Any]]:
    with _made["cutter"](files[0]) as before, _made["cutter"](files[1]) as after:
        yield before.cut, after.cut


def test_the_vocabulary_is_as_small_as_was_asked_for_and_the_file_with_it(files: tuple[Path, Path, int]) -> None:
    whole, small, size = files
    smaller = small.with_name("smaller.gguf")
    assert vocabulary_size(small) == vocabulary_size(smaller) == size
    assert smaller.stat().st_size < small.stat().st_size < whole.stat().st_size


@settings(max_examples=500, deadline=None)
@given(text=st.text())
def test_any_text_comes_back_as_from_the_original(cuts: tuple[Any, Any], text: str) -> None:
    # Not as it was: SentencePiece gives a blank for ▁, and SmolLM2 has no tokens for some control characters.
    before, after = cuts
    assert b"".join(after(text)) == b"".join(before(text))


def test_comments_in_other_languages_come_back(cuts: tuple[Any, Any]) -> None:
    for task in COMMENTS:
        assert b"".join(cuts[1](task.before)).decode() == task.before


def test_code_of_the_corpus_is_cut_as_before(cuts: tuple[Any, Any]) -> None:
    before, after = cuts
    for name in ("asyncio/queues.py", "json/decoder.py", "logging/handlers.py"):
        text = (STANDARD_LIBRARY / name).read_text(encoding="utf-8")
        assert after(text) == before(text)


async def test_the_trimmed_checkpoint_writes_what_the_original_writes(files: tuple[Path, Path, int]) -> None:
    texts = {}
    for path in files[:2]:
        model = LlamaModel(path.stem, path, context=512, threads=2)
        try:
            prompt = Prompt("import json\n\n\ndef load(path):\n    with open(path) as file:\n        return json.")
            (generation,) = await model.generate(prompt, Sampling(12, stop=("\n",)))
            texts[path] = generation.text
        finally:
            await model.close()
    assert len(set(texts.values())) == 1, texts
    assert texts[files[0]].startswith("load")
