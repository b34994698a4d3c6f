"""Usage: what the server counted, shared out exactly; estimates on the safe side."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rung.models.http.count import usages
from rung.models.http.heal import Cut
from rung.models.http.sample import Sample
from rung.models.http.wire import WireUsage
from rung.models.protocol import Sampling, Usage

COUNTS = st.integers(0, 1000)


def sample(pieces: int) -> Sample:
    made = Sample(Cut.of("x"), Sampling(64))
    for _ in range(pieces):
        made.feed("a", [])
    return made


@given(st.lists(st.integers(0, 50), min_size=1, max_size=5), COUNTS, COUNTS)
def test_the_parts_add_up_to_what_the_server_counted(pieces: list[int], prompt: int, generated: int) -> None:
    samples = {index: sample(count) for index, count in enumerate(pieces)}
    total = WireUsage(prompt_tokens=prompt, completion_tokens=generated)
    parts = usages("x", 9, samples, total, {})
    assert sum(parts, Usage()) == Usage(prompt=prompt, generated=generated)
    assert all(part.generated >= 0 for part in parts)


def test_a_sample_that_the_server_did_not_count_makes_the_whole_an_estimate() -> None:
    part = WireUsage(prompt_tokens=9, completion_tokens=4)
    parts = usages("x" * 10, 9, {0: sample(4), 1: sample(3)}, None, {0: part})
    assert parts == [Usage(prompt=4, generated=4, counted=False), Usage(generated=3, counted=False)]


def test_more_cached_than_prompt_tokens_are_not_believed() -> None:
    total = WireUsage.model_validate({"prompt_tokens": 3, "prompt_tokens_details": {"cached_tokens": 9}})
    assert usages("x", 9, {0: sample(1)}, total, {})[0].cached == 3


def test_a_piece_of_many_characters_is_counted_as_several_tokens() -> None:
    one = Sample(Cut.of("x"), Sampling(64))
    one.feed("some text in one piece", [])
    assert usages("x", 9, {0: one}, None, {})[0].generated == 6
    assert usages("x", 4, {0: one}, None, {})[0].generated == 4, "no more than were asked for"
