"""What a request may say, and how the server refuses the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.models.server.asked import Asked, Refused
from rung.models.server.http.asking import Asking, read_asking

from .server_http_fake import FakeEngine

FIELDS = [
    *("prompt", "model", "suffix", "max_tokens", "temperature", "n", "stop", "seed", "logprobs", "stream"),
    *("stream_options", "prediction", "best_of", "user", "echo", "top_p", "presence_penalty", "logit_bias", "top_k"),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def read(**fields: Any) -> Asking:
    return read_asking(json.dumps({"prompt": "x", **fields}).encode(), FakeEngine())


def test_all_that_can_be_asked_reaches_the_engine() -> None:
    asking = read(
        model="fake",
        prompt=["def f():"],
        suffix="\n",
        max_tokens=9,
        temperature=0.5,
        n=3,
        stop=["a", "b", "c", "d"],
        seed=-7,
        logprobs=2,
        stream=True,
        stream_options={"include_usage": True},
        prediction={"type": "content", "content": [{"type": "text", "text": "re"}, {"type": "text", "text": "turn"}]},
    )
    assert asking == Asking(Asked("def f():", "\n", "return", 9, 0.5, 3, ("a", "b", "c", "d"), -7, 2), True, True)


def test_what_is_not_said_is_as_openai_has_it() -> None:
    plain = Asking(Asked("x", max_tokens=16, temperature=1.0, n=1, top=None), False, False)
    assert read() == plain
    assert read(**dict.fromkeys(FIELDS[1:-1])) == plain, "null is as good as absent"


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"stop": "\n"}, {"stop": ("\n",)}),
        ({"logprobs": True}, {"top": 1}),
        ({"logprobs": False}, {"top": None}),
        ({"logprobs": 0}, {"top": 0}),
        ({"temperature": 0}, {"temperature": 0.0}),
        ({"temperature": 1e-300}, {"temperature": 0.0}),
        ({"temperature": 2}, {"temperature": 2.0}),
        ({"prediction": {"type": "content", "content": "y"}}, {"draft": "y"}),
    ],
)
def test_a_field_may_have_several_forms(fields: dict[str, Any], part: dict[str, Any]) -> None:
    asked = read(**fields).asked
    assert {name: getattr(asked, name) for name in part} == part


def test_fields_of_openai_with_the_value_that_changes_nothing_are_accepted() -> None:
    neutral: dict[str, Any] = {"echo": False, "best_of": 3, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0.0}
    assert read(**neutral, n=3, logit_bias={}, user="me").asked == Asked("x", n=3)


@pytest.mark.parametrize(
    ("fields", "param", "sentence"),
    [
        ({"prompt": ["a", "b"]}, "prompt", "several texts"),
        ({"prompt": [1, 2]}, "prompt", "takes no tokens"),
        ({"prompt": [[1, 2]]}, "prompt", "takes no tokens"),
        ({"prompt": None}, "prompt", "must be a text"),
        ({"model": "gpt"}, "model", "The model here is 'fake'"),
        ({"max_tokens": 0}, "max_tokens", "greater than or equal to 1"),
        ({"max_tokens": 101}, "max_tokens", "context, 100 tokens"),
        ({"max_tokens": "5"}, "max_tokens", "valid integer"),
        ({"temperature": 2.1}, "temperature", "less than or equal to 2"),
        ({"n": 129}, "n", "less than or equal to 128"),
        ({"stop": list("abcde")}, "stop", "at most 4"),
        ({"stop": [""]}, "stop", "1 to 1000 characters"),
        ({"stop": "x" * 1001}, "stop", "1 to 1000 characters"),
        ({"stop": 5}, "stop", "must be a text"),
        ({"seed": 2**63}, "seed", "less than"),
        ({"logprobs": 6}, "logprobs", "less than or equal to 5"),
        ({"stream": "yes"}, "stream", "valid boolean"),
        ({"stream_options": {"include_usage": True}}, "stream_options", "needs 'stream'"),
        ({"stream": True, "stream_options": {"colour": 1}}, "stream_options.colour", "does not know"),
        ({"prediction": {"type": "content"}}, "prediction.content", "is missing"),
        ({"prediction": "text"}, "prediction", "must be a JSON object"),
        ({"best_of": 2}, "best_of", "leave it out"),
        ({"echo": True}, "echo", "no other value than false"),
        ({"echo": 0}, "echo", "no other value than false"),
        ({"top_p": 0.9}, "top_p", "no other value than 1"),
        ({"presence_penalty": 1}, "presence_penalty", "no other value than 0"),
        ({"frequency_penalty": 1}, "frequency_penalty", "no other value than 0"),
        ({"logit_bias": {"50256": -100}}, "logit_bias", "leave it out"),
        ({"top_k": 40}, "top_k", "does not know the field 'top_k'; leave it out."),
    ],
)
def test_any_other_value_is_refused_by_the_name_of_its_field(fields: dict[str, Any], param: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence.replace("(", r"\(")) as caught:
        read(**fields)
    assert caught.value.param == param
    assert param.partition(".")[0] in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_suffix_is_refused_where_the_model_cannot_read_one() -> None:
    engine = FakeEngine()
    engine.fim = False
    assert read_asking(b'{"prompt": "x", "suffix": ""}', engine).asked.suffix == ""
    with pytest.raises(Refused, match="fill-in-the-middle"):
        read_asking(b'{"prompt": "x", "suffix": "y"}', engine)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'"x"', b"{", b'{"prompt": "\xff"}', rb'{"prompt": "\ud800"}', b"[" * 100_000, b'{"n": 1}']
)
def test_a_body_that_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(Refused, match=r"^The (body|field)"):
        read_asking(body, FakeEngine())


@given(st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=4), JSON, max_size=5), st.booleans())
def test_whatever_comes_is_asked_within_the_limits_or_refused_in_a_line(fields: dict[str, Any], prompt: bool) -> None:
    body = json.dumps({**fields, **({"prompt": "x"} if prompt else {})}).encode()
    asked, refusal = outcome(body)
    assert refusal.isprintable()
    assert len(refusal) < 300
    if asked is not None:
        assert 1 <= asked.max_tokens <= 100
        assert 1 <= asked.n <= 128
        assert asked.temperature == 0 or 1e-4 <= asked.temperature <= 2
        assert len(asked.stop) <= 4
        assert all(asked.stop)


@given(st.binary(max_size=64))
def test_bytes_that_are_no_request_raise_nothing_else(body: bytes) -> None:
    with pytest.raises(Refused):
        read_asking(body, FakeEngine())


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", ["SECRET", ["SECRET"] * 9, [{"a": "SECRET"}], {"type": "SECRET"}])
def test_a_refusal_quotes_no_value(field: str, value: object) -> None:
    asked, refusal = outcome(json.dumps({"prompt": "x", field: value}).encode())
    assert bool(refusal) is not bool(asked)
    assert "SECRET" not in refusal


def outcome(body: bytes) -> tuple[Asked | None, str]:
    """What the engine is asked, or the refusal."""
    try:
        return read_asking(body, FakeEngine()).asked, ""
    except Refused as refused:
        return None, str(refused)
