"""Ending a sample before the n-th occurrence of a string: in any pieces, by every model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.models.http.heal import Cut
from rung.models.http.sample import Sample
from rung.models.llama.engine.engine import Engine
from rung.models.llama.settings import EngineSettings
from rung.models.nth import nth
from rung.models.protocol import FinishReason, Prompt, Sampling

from .llama_asking import Asking

TEXT = st.text("ab\n", max_size=24)


@given(TEXT, st.text("ab\n", min_size=1, max_size=3), st.integers(1, 4))
def test_the_end_is_where_so_many_were_seen(text: str, stop: str, count: int) -> None:
    at = nth(text, (stop, count))
    if at < 0:
        assert text.count(stop) < count
    else:
        assert text[:at].count(stop) <= count - 1
        assert text[: at + len(stop)].count(stop) == count
        assert text.startswith(stop, at)


def test_without_a_string_there_is_no_end() -> None:
    assert nth("aaa", None) == -1


@given(st.lists(TEXT, max_size=6), st.integers(1, 3))
def test_how_a_server_cuts_its_pieces_changes_nothing(pieces: list[str], count: int) -> None:
    whole = "".join(pieces)
    sample = Sample(Cut.of("x ="), Sampling(64, stop_nth=("\na", count)))
    for piece in pieces:
        sample.feed(piece, ())
    sample.finish(FinishReason.LENGTH)
    at = nth(whole, ("\na", count))
    assert sample.text == (whole if at < 0 else whole[:at])
    assert sample.finish_reason is (FinishReason.LENGTH if at < 0 else FinishReason.STOP)


@pytest.fixture(scope="module")
def engine(smollm2: Path) -> Iterator[Engine]:
    engine = Engine(smollm2, EngineSettings(context=512, cache_mb=32, threads=2, exact=True))
    yield engine
    engine.close()


@pytest.mark.real
def test_the_engine_ends_each_sample_there_and_tells_its_end(engine: Engine) -> None:
    asking = Asking(engine)
    prompt = Prompt("def add(a, b):\n    return a + b\n\n# check the correctness of add\nassert")
    ended: dict[int, str] = {}
    request = asking.submit(prompt, Sampling(80, 0.8, 4, seed=3, stop_nth=("\nassert", 2)))
    request.on_sample = ended.__setitem__
    asking.work()
    samples = asking.answer(request)
    assert {index: sample.text for index, sample in enumerate(samples)} == ended
    assert all(sample.text.count("\nassert") < 2 for sample in samples)
    assert any(sample.text.count("\nassert") == 1 and sample.usage.generated < 80 for sample in samples)
