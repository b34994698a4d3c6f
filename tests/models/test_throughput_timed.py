"""A streamed answer, read as it comes in pieces."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.models.http.wire import BadChunk
from rung.models.throughput.timed import Reading

USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}


def stream(*texts: str, usage: object = USAGE) -> bytes:
    events: list[Any] = [{"choices": [{"index": 0, "text": text, "finish_reason": None}]} for text in texts]
    events.append({"choices": [], "usage": usage})
    return "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode() + b"data: [DONE]\n\n"


def read(body: bytes, cuts: list[int]) -> Reading:
    reading = Reading()
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    for start, end in pairwise(edges):
        reading.feed(body[start:end])
    return reading


@given(st.lists(st.text(), max_size=6), st.lists(st.integers(0, 2000), max_size=8))
def test_what_is_counted_is_found_wherever_the_stream_is_cut(texts: list[str], cuts: list[int]) -> None:
    reading = read(stream(*texts), cuts)
    assert reading.done
    assert reading.usage is not None
    assert (reading.usage.prompt_tokens, reading.usage.cached, reading.usage.completion_tokens) == (9, 4, 3)
    assert (reading.first_text is not None) == any(texts)


@given(st.sampled_from(['"usage"', '{"usage": {"prompt_tokens": 1}}', '"error": 1', "data: [DONE]"]))
def test_a_model_that_writes_what_looks_like_the_protocol_is_not_taken_at_its_word(text: str) -> None:
    reading = read(stream("x", text, text), [])
    assert reading.usage is not None
    assert reading.usage.prompt_tokens == 9
    assert reading.error is None


def test_an_error_in_the_stream_is_found_behind_the_first_token() -> None:
    reading = read(stream("x") + b'data: {"error": {"message": "no more memory"}}\n\n', [])
    assert reading.error == {"message": "no more memory"}


def test_a_usage_of_null_in_every_event_is_no_usage() -> None:
    """vLLM streams it so."""
    reading = read(stream("x", "y", usage=None), [])
    assert reading.done
    assert reading.usage is None


@pytest.mark.parametrize(
    "body", [b"data: no json\n", b'data: {"choices": 1}\n', b"data: \xff\n", b"data: " + b"x" * 3_000_000]
)
def test_what_is_no_stream_of_completions_is_refused(body: bytes) -> None:
    with pytest.raises(BadChunk):
        read(body, [])
