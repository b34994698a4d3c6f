"""One request at a time, on the real small checkpoint."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rung.models.llama.engine.engine import Engine
from rung.models.llama.settings import EngineSettings
from rung.models.protocol import FinishReason, Generation, Prompt, Sampling

from .llama_asking import Asking

pytestmark = pytest.mark.real

# Characters that the checkpoint's vocabulary has; it drops a few control characters and unassigned ones.
TEXT = st.text(alphabet=st.sampled_from("abcXYZ_019 \t\n.,:;()[]{}'\"#@+-*/=<>%&|^~éüß日本語한국Ж😀"), max_size=40)
FUNCTION = Prompt('def add(a, b):\n    """Return the sum of a and b."""\n    ')


@pytest.fixture(scope="module")
def engine(smollm2: Path) -> Iterator[Engine]:
    engine = Engine(smollm2, EngineSettings(context=512, cache_mb=20, threads=2))
    yield engine
    engine.close()


def run(engine: Engine, prompt: Prompt, sampling: Sampling) -> list[Generation]:
    return Asking(engine).generate(prompt, sampling)


def test_it_writes_the_body_of_a_simple_function(engine: Engine) -> None:
    (generation,) = run(engine, FUNCTION, Sampling(32, stop=("\ndef ", "\n\n")))
    assert generation.text == "return a + b"
    assert generation.finish_reason is FinishReason.STOP


@pytest.mark.parametrize("end", ["", "\n", "\n  ", "\n    ", "\n    r", "\n    ret", "\n    return", "\n    return "])
def test_wherever_the_prompt_is_cut_the_text_goes_on_at_the_cut(engine: Engine, end: str) -> None:
    start = 'def add(a, b):\n    """Return the sum of a and b."""'
    (generation,) = run(engine, Prompt(start + end), Sampling(32, stop=("\n\n",)))
    assert (start + end + generation.text).startswith(start + "\n    return a + b")


def test_the_second_request_evaluates_only_what_is_new(engine: Engine) -> None:
    first = run(engine, Prompt("x = 1\ny = 2\nprint(x"), Sampling(4))[0].usage
    again = run(engine, Prompt("x = 1\ny = 2\nprint(x"), Sampling(4))[0].usage
    assert again.prompt == first.prompt
    assert again.cached == again.prompt - 1


def test_samples_share_one_prompt_and_each_ends_on_its_own(engine: Engine) -> None:
    generations = run(engine, FUNCTION, Sampling(24, 0.8, 5, ("\n\n",), seed=3))
    assert len(generations) == 5
    assert [generation.usage.prompt > 0 for generation in generations] == [True, False, False, False, False]
    assert len({generation.text for generation in generations}) > 1
    assert all(0 < generation.usage.generated <= 24 for generation in generations)


def test_more_samples_than_cells_are_decoded_in_waves(engine: Engine) -> None:
    assert len(run(engine, FUNCTION, Sampling(300, 0.8, 12, ("a",), seed=1))) == 12


def test_a_seed_makes_sampling_repeatable_and_none_does_not(engine: Engine) -> None:
    def texts(seed: int | None) -> list[str]:
        return [generation.text for generation in run(engine, FUNCTION, Sampling(24, 0.8, 4, seed=seed))]

    assert texts(7) == texts(7)
    assert texts(None) != texts(None)


def test_greedy_samples_of_one_prompt_are_the_same(engine: Engine) -> None:
    assert len({generation.text for generation in run(engine, FUNCTION, Sampling(16, n=4))}) == 1


@pytest.mark.parametrize("exact", [False, True])
def test_a_document_comes_back_as_it_was_after_another(smollm2: Path, exact: bool) -> None:
    one, other = (Prompt("".join(f"{name}_{n} = {n}\n" for n in range(40)) + f"print({name}_") for name in "ab")
    engine = Engine(smollm2, EngineSettings(context=512, cache_mb=40, threads=2, exact=exact))
    try:
        fresh = run(engine, one, Sampling(12))[0]
        assert fresh.usage.cached == 0
        assert run(engine, other, Sampling(12))[0].usage.cached < 20
        again = run(engine, one, Sampling(12))[0]
        assert again.usage.cached == again.usage.prompt - 1
        if exact:
            assert again.tokens == fresh.tokens
        else:
            assert again.tokens[0].logprob == pytest.approx(fresh.tokens[0].logprob, abs=0.2)
    finally:
        engine.close()


def test_log_probabilities_are_those_of_a_distribution(engine: Engine) -> None:
    (generation,) = run(engine, FUNCTION, Sampling(16))
    assert all(token.logprob <= 0 and math.isfinite(token.logprob) for token in generation.tokens)
    assert generation.tokens[0].logprob > math.log(0.5)  # `return` after that docstring


def test_a_prompt_longer_than_the_context_loses_its_beginning(engine: Engine) -> None:
    (generation,) = run(engine, Prompt("a = 1\n" * 4000 + FUNCTION.prefix), Sampling(16, stop=("\n",)))
    assert generation.text == "return a + b"
    assert generation.usage.prompt + 16 <= 512


def test_text_that_looks_like_a_special_token_is_text(engine: Engine) -> None:
    (generation,) = run(engine, Prompt("x = '<|im_end|>'  # "), Sampling(4))
    assert generation.usage.prompt > 6


@pytest.mark.parametrize("text", ["", " ", "\n\n", "é", "日本語 = '", "'😀' + ", "\ud800"])
def test_any_text_can_be_continued(engine: Engine, text: str) -> None:
    (generation,) = run(engine, Prompt(text), Sampling(4))
    assert generation.usage.generated >= 1


@settings(max_examples=25, deadline=None)
@given(TEXT)
def test_a_text_is_its_tokens(engine: Engine, text: str) -> None:
    tokens = engine.vocabulary.tokenize(text)
    assert b"".join(engine.vocabulary.pieces[token] for token in tokens).decode() == text


@settings(max_examples=25, deadline=None)
@given(TEXT)
def test_what_healing_cut_is_not_in_the_text(engine: Engine, text: str) -> None:
    encoded = engine.vocabulary.encode(Prompt(text), 256)
    kept = b"".join(engine.vocabulary.pieces[token] for token in encoded.tokens[1:])
    assert (kept + encoded.healed).decode("utf-8", "surrogatepass") == text
