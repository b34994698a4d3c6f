"""Drafts never change what a real checkpoint writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rung.models.llama.engine.drafts import LONGEST_DRAFT, Costs, Odds
from rung.models.llama.engine.engine import Engine
from rung.models.llama.settings import EngineSettings
from rung.models.protocol import Prompt, Sampling

from .llama_asking import Asking

pytestmark = pytest.mark.real

SETTINGS = EngineSettings(context=1536, cache_mb=32, threads=2, exact=True)
SOURCE = (Path(__file__).parents[2] / "models" / "llama" / "client.py").read_text(encoding="utf-8")
# Between a quarter and the whole of it: also with more than 512 tokens, from where llama.cpp computes otherwise.
PLACES = [Prompt(SOURCE[:end]) for end in range(len(SOURCE) // 4, min(len(SOURCE), 4200), 640)]


@pytest.fixture(scope="module")
def plain(smollm2: Path) -> Iterator[Asking]:
    engine = Engine(smollm2, replace(SETTINGS, drafts=False))
    yield Asking(engine)
    engine.close()


@pytest.fixture(scope="module")
def drafting(smollm2: Path) -> Iterator[Asking]:
    engine = Engine(smollm2, SETTINGS)
    assert engine.speed.exact
    # As if batches cost next to nothing, so that every match is drafted whatever this machine's speed.
    engine.drafts = (Odds(), Costs([1.0 + 0.001 * size for size in range(LONGEST_DRAFT + 1)]))
    yield Asking(engine)
    engine.close()


def test_the_text_is_bit_by_bit_the_same_with_and_without_drafts(plain: Asking, drafting: Asking) -> None:
    accepted = rejected = 0
    for prompt in PLACES:
        expected = plain.generate(prompt, Sampling(24))[0]
        drafted = drafting.generate(prompt, Sampling(24))[0]
        assert drafted.text == expected.text
        assert drafted.tokens == expected.tokens
        assert drafted.usage.generated == expected.usage.generated
        accepted += drafted.usage.accepted_draft
        rejected += drafted.usage.rejected_draft
    assert accepted > 0
    assert rejected > 0


@pytest.mark.parametrize("draft", ["", "x", "return value\n\n\n日本語", "right", "half", "long"])
def test_whatever_draft_is_offered_the_text_is_the_same(plain: Asking, drafting: Asking, draft: str) -> None:
    prompt = PLACES[3]
    (expected,) = plain.generate(prompt, Sampling(20))
    texts = {"right": expected.text, "half": expected.text[: len(expected.text) // 2] + " else", "long": SOURCE}
    offered = replace(prompt, draft=texts.get(draft, draft))
    (drafted,) = drafting.generate(offered, Sampling(20))
    assert drafted.tokens == expected.tokens
    if draft == "right":
        assert drafted.usage.accepted_draft >= drafted.usage.generated // 2


def test_after_rejected_drafts_the_cache_holds_only_what_was_written(drafting: Asking) -> None:
    prompt = replace(PLACES[2], draft=" completely wrong, and long enough to be tried for a while")
    (first,) = drafting.generate(prompt, Sampling(12))
    further = Prompt(PLACES[2].prefix + first.text)
    (after,) = drafting.generate(further, Sampling(12))
    (again,) = drafting.generate(PLACES[2], Sampling(24))
    assert again.text.startswith(first.text)
    assert after.usage.cached > after.usage.prompt - 16


def test_sampled_texts_are_not_drafted(drafting: Asking) -> None:
    usage = drafting.generate(PLACES[1], Sampling(12, 0.8, seed=1))[0].usage
    assert (usage.accepted_draft, usage.rejected_draft) == (0, 0)
