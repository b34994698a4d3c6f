"""Data survives the way between a test and a solution, and nothing but data does."""

from __future__ import annotations

import collections
import contextlib
import datetime
import decimal
import fractions
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rung.cascade.sandbox.inside.codec import Container, Decoder, Encoder, Json, Malformed, Refused, dumps, loads

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(10**400), max_value=10**400)
    | st.floats()
    | st.complex_numbers()
    | st.text(alphabet=st.characters(exclude_categories=()))
    | st.binary()
)
_HASHABLE = st.recursive(_SCALARS, lambda each: st.lists(each).map(tuple) | st.frozensets(each), max_leaves=8)
_DATA = st.recursive(
    _HASHABLE | st.sets(_HASHABLE) | st.binary().map(bytearray),
    lambda each: st.lists(each) | st.lists(each).map(tuple) | st.dictionaries(_HASHABLE, each),
    max_leaves=25,
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda each: st.lists(each) | st.dictionaries(st.sampled_from([*"tdszbBcirTmxy", "other"]), each, max_size=2),
    max_leaves=12,
)


def refuse(value: object) -> Json:
    raise Refused(type(value).__name__)


def unknown(tag: str, body: Json) -> object:
    raise ValueError(tag)


def through(value: Any) -> Any:
    return Decoder([], unknown).decode(loads(dumps(Encoder([], refuse).encode(value))))


def same(a: Any, b: Any) -> bool:
    """Equal with the same types all the way down; nan is itself, and -0.0 is not 0.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, dict):
        return same(list(a.items()), list(b.items()))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, set | frozenset):
        return len(a) == len(b) and all(any(same(x, y) for y in b) for x in a)
    return bool(a == b)


@given(_DATA)
def test_nested_data_comes_back_with_its_values_and_types(value: Any) -> None:
    assert same(through(value), value)


@pytest.mark.parametrize(
    "value",
    [
        [True, 1, 1.0, -0.0, 0, False, None],
        {1: "int", "1": "str", (1,): "tuple", frozenset(): "frozenset", None: "none"},
        [[], {}, set(), (), frozenset(), b"", "", bytearray()],
        "\ud800 \ud83d\ude00 😀",
        2**53,
        -(2**64),
        range(3, 10, 2),
        collections.Counter("aab"),
        collections.OrderedDict([("b", 1), ("a", 2)]),
        collections.defaultdict(list, {"a": [1]}),
        collections.deque([1, 2], maxlen=3),
        decimal.Decimal("1.10"),
        fractions.Fraction(1, 3),
        datetime.date(2024, 2, 29),
        datetime.datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=datetime.UTC),
        datetime.time(1, 2),
        datetime.timedelta(days=-1, microseconds=1),
        int,
        ValueError,
    ],
)
def test_plain_data_of_the_standard_library_comes_back(value: Any) -> None:
    result = through(value)
    assert result == value
    assert type(result) is type(value)
    assert repr(result) == repr(value)


def test_views_of_a_dict_come_back_as_views() -> None:
    mapping = {"a": 1, "b": 2}
    assert through(mapping.keys()) == mapping.keys()
    assert list(through(mapping.values())) == [1, 2]
    assert through(mapping.items()) == mapping.items()


def test_a_shared_row_stays_shared_and_a_cycle_stays_a_cycle() -> None:
    row = [0]
    grid = [row, row]
    grid.append(grid)  # type: ignore[arg-type]
    result = through(grid)
    assert result[0] is result[1]
    assert result[2] is result


class _Sly(int):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


@pytest.mark.parametrize("value", [_Sly(1), [_Sly(1)], object(), {1: {2: _Sly(3)}}, (lambda: 1), ..., iter([])])
def test_what_is_no_data_is_refused(value: object) -> None:
    with pytest.raises(Refused):
        through(value)


def test_data_nested_without_end_is_refused() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(Refused):
        through(value)


@given(_JSON)
@settings(max_examples=300)
def test_any_json_is_decoded_or_malformed(message: Json) -> None:
    objects: list[Container] = []
    with contextlib.suppress(Malformed):
        Decoder(objects, unknown).decode(message)
        Decoder(objects, unknown).refill(0, message)


@given(st.binary())
def test_any_bytes_are_json_or_malformed(payload: bytes) -> None:
    with contextlib.suppress(Malformed):
        loads(payload)


@pytest.mark.parametrize("payload", [b"[" * 100_000, b"1" * 10_000, b"\xff", b'{"a":', b'"\\ud800'])
def test_hostile_json_is_malformed(payload: bytes) -> None:
    with pytest.raises(Malformed):
        loads(payload)
