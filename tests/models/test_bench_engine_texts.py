"""The texts that are measured with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.models.bench.texts import Texts, with_changed_line


@given(st.integers(0, 10**6), st.integers(50, 4000))
def test_a_fresh_text_has_about_its_size_and_ends_within_a_word(seed: int, tokens: int) -> None:
    text = Texts(seed, bytes_a_token=3.0).fresh(tokens)
    assert 0.6 * 3 * tokens - 40 < len(text) <= 3 * tokens + 40
    assert text[-1].isalnum()


def test_no_two_texts_begin_alike_and_a_seed_repeats_them() -> None:
    texts, again = Texts(1), Texts(1)
    seen = [texts.fresh(500) for _ in range(20)]
    assert len({text.split("\n")[0] for text in seen}) == 20
    assert seen == [again.fresh(500) for _ in range(20)]


def test_calibration_makes_the_size_one_of_tokens() -> None:
    texts = Texts(1)
    texts.calibrated(tokens=100, characters=200)
    assert len(texts.fresh(1000)) < 2100


@pytest.mark.parametrize("share", [0.0, 0.5, 0.97, 1.0])
def test_one_line_is_changed_and_never_the_last(share: float) -> None:
    text = Texts(3).fresh(1000)
    changed = with_changed_line(text, share)
    pairs = list(zip(text.split("\n"), changed.split("\n"), strict=True))
    different = [at for at, (one, other) in enumerate(pairs) if one != other]
    assert len(different) == 1
    assert different[0] < len(pairs) - 1
    assert abs(different[0] - share * len(pairs)) < 8
