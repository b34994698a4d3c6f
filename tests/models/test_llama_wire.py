"""The worker's protocol carries every request and answer, and anything else is a ValueError."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.models.llama import wire
from rung.models.protocol import FinishReason, Generation, Priority, Prompt, Sampling, Token, Usage

TEXT = st.text(st.characters(), max_size=40)  # surrogates, too: an editor may send them
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
SAMPLINGS = st.builds(
    Sampling,
    max_tokens=st.integers(0, 10**6),
    temperature=st.floats(0, 100),
    n=st.integers(0, 1024),
    stop=st.lists(TEXT.filter(bool), max_size=3).map(tuple),
    seed=st.none() | st.integers(0, 2**63),
    logprobs=st.booleans(),
    priority=st.sampled_from(Priority),
    stop_nth=st.none() | st.tuples(TEXT.filter(bool), st.integers(1, 1024)),
    next_line=st.floats(0, 1),
    doubt=st.none() | st.tuples(st.integers(1, 64), st.floats(0, 1)),
)
TOKENS = st.builds(Token, TEXT, st.floats(max_value=0, allow_nan=False))
GENERATIONS = st.builds(
    Generation,
    text=TEXT,
    tokens=st.lists(TOKENS, max_size=4).map(tuple),
    finish_reason=st.sampled_from(FinishReason),
    usage=st.builds(Usage, st.integers(0), st.integers(0), st.integers(0)),
    seconds=st.floats(0, 1e6),
)


@given(st.builds(Prompt, TEXT, TEXT, TEXT), SAMPLINGS)
def test_a_request_arrives_as_it_was(prompt: Prompt, sampling: Sampling) -> None:
    line = wire.pack(wire.request(3, prompt, sampling, stream=True))
    assert line.count(b"\n") == 1
    message = wire.unpack(line)
    assert (wire.prompt_of(message), wire.sampling_of(message)) == (prompt, sampling)


@given(st.lists(GENERATIONS, max_size=3))
def test_an_answer_arrives_as_it_was(generations: list[Generation]) -> None:
    message = wire.unpack(wire.pack({"done": 1, "generations": generations}))
    assert [wire.generation_of(values) for values in message["generations"]] == generations


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_a_value_error(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(wire.unpack(data), dict)


@given(JSON)
def test_any_json_is_a_request_or_a_value_error(value: object) -> None:
    for read in (wire.prompt_of, wire.sampling_of):
        for message in ({"prompt": value, "sampling": value}, {}):
            with pytest.raises(ValueError, match="expected"):
                read(message)
    with pytest.raises(ValueError, match=r"."):
        wire.token_of(value if not isinstance(value, list) else [*value, None, None])


@given(st.sampled_from(["max_tokens", "temperature", "n", "stop", "seed", "logprobs", "priority", "statement"]), JSON)
def test_any_value_of_a_field_is_taken_or_a_value_error(name: str, value: object) -> None:
    message = json.loads(wire.pack({"sampling": Sampling(4)}))
    message["sampling"][name] = value
    try:
        sampling = wire.sampling_of(message)
    except ValueError:
        return
    assert sampling.max_tokens >= 0
