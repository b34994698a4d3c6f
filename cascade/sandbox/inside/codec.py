"""Python data as JSON, with types, shared references and mutation kept, decoded strictly.

None, booleans, strings, floats, lists and ints of up to 53 bits are themselves; all else is an object with one key, its
tag. Mutable containers count from 0 in the order in which they begin; `{"r": n}` is the n-th again, so that aliases and
cycles survive. Subclasses and unknown types are refused: nothing decoded runs code that the other side chose.
"""

from __future__ import annotations

import builtins
import collections
import importlib
import json
import sys
from collections.abc import Callable, Iterable
from typing import Any

Json = Any  # what `json` reads and writes
Container = list[Any] | dict[Any, Any] | set[Any] | bytearray

_SMALL = 1 << 53
_TYPES = {name: value for name, value in vars(builtins).items() if type(value) is type and value.__name__ == name}
# not imported before they are needed: every page of the harness costs at every fork
_LAZY = {
    "Fraction": "fractions",
    "Decimal": "decimal",
    "date": "datetime",
    "time": "datetime",
    "datetime": "datetime",
    "timedelta": "datetime",
}
_VIEWS: dict[str, type] = {"keys": type({}.keys()), "values": type({}.values()), "items": type({}.items())}


class Refused(Exception):
    """A value that is not data; `str` says which."""


class Malformed(Exception):
    """Bytes that no encoder of ours writes."""


def dumps(message: Json) -> bytes:
    """Lone surrogates survive. Raises Refused."""
    try:
        return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    except RecursionError:
        raise Refused("data nested too deeply") from None


def loads(payload: bytes) -> Json:
    """Raises Malformed."""
    try:
        return json.loads(payload.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise Malformed(str(error)) from None


class Encoder:
    """Encodes the values of one message.

    objects: the containers numbered so far; extended. export: gives the JSON of what is no data, or raises Refused.
    """

    def __init__(self, objects: list[Container], export: Callable[[object], Json]) -> None:
        self._objects = objects
        self._numbers = {id(value): number for number, value in enumerate(objects)}
        self._export = export

    def encode(self, value: Any) -> Json:
        """Raises Refused."""
        try:
            return self._encode(value)
        except RecursionError:
            raise Refused("data nested too deeply") from None

    def content(self, value: Container) -> Json:
        """The elements of a container, as `Decoder.refill` takes them. Raises Refused."""
        try:
            return self._content(value)
        except RecursionError:
            raise Refused("data nested too deeply") from None

    def _encode(self, value: Any) -> Json:
        kind = type(value)
        if value is None or kind is str or kind is bool or kind is float:
            return value
        if kind is int:
            return value if -_SMALL < value < _SMALL else {"i": hex(value)}
        if kind is tuple:
            return {"t": [self._encode(each) for each in value]}
        if kind is list or kind is dict or kind is set or kind is bytearray:
            return self._container(value)
        if kind is bytes:
            return {"b": value.decode("latin-1")}
        if kind is frozenset:
            return {"z": [self._encode(each) for each in value]}
        if kind is complex:
            return {"c": [value.real, value.imag]}
        if isinstance(value, type) and _TYPES.get(value.__name__) is value:
            return {"T": value.__name__}
        parts = _parts(value)
        return self._export(value) if parts is None else {"m": [parts[0], *map(self._encode, parts[1:])]}

    def _content(self, value: Container) -> Json:
        if isinstance(value, bytearray):
            return value.decode("latin-1")
        if isinstance(value, dict):
            return [self._encode(each) for pair in value.items() for each in pair]
        return [self._encode(each) for each in value]

    def _container(self, value: Container) -> Json:
        number = self._numbers.get(id(value))
        if number is not None:
            return {"r": number}
        self._numbers[id(value)] = len(self._objects)
        self._objects.append(value)  # also keeps it alive: its id stays its own
        content = self._content(value)
        return content if type(value) is list else {_TAGS[type(value)]: content}


class Decoder:
    """Decodes the values of one message; the mirror of Encoder."""

    def __init__(self, objects: list[Container], resolve: Callable[[str, Json], object]) -> None:
        self._objects = objects
        self._resolve = resolve

    def decode(self, value: Json) -> Any:
        """Raises Malformed."""
        try:
            return self._decode(value)
        except (TypeError, ValueError, LookupError, ArithmeticError, AttributeError, RecursionError) as error:
            raise Malformed(f"{type(error).__name__}: {error}") from None

    def refill(self, number: Json, content: Json) -> None:
        """Give the container of this number new content, in place. Raises Malformed."""
        if type(number) is not int or not 0 <= number < len(self._objects) or type(content) not in (list, str):
            raise Malformed("no such container")
        try:
            self._fill(self._objects[number], content)
        except (TypeError, ValueError, LookupError, ArithmeticError, AttributeError, RecursionError) as error:
            raise Malformed(f"{type(error).__name__}: {error}") from None

    def _decode(self, value: Json) -> Any:
        kind = type(value)
        if kind is list:
            return self._fresh([], value)
        if kind is not dict:
            return value
        ((tag, body),) = value.items()
        match tag:
            case "t":
                return tuple([self._decode(each) for each in _sequence(body)])
            case "d":
                return self._fresh({}, body)
            case "s":
                return self._fresh(set(), body)
            case "z":
                return frozenset([self._decode(each) for each in _sequence(body)])
            case "b":
                return body.encode("latin-1")
            case "B":
                return self._fresh(bytearray(), body)
            case "i":
                return int(body, 16)
            case "c":
                return complex(*map(float, body))
            case "r":
                return self._objects[_index(body)]
            case "T":
                return _TYPES[body]
            case "m":
                return _assemble(_sequence(body)[0], [self._decode(each) for each in body[1:]])
        return self._resolve(tag, body)

    def _fresh(self, container: Container, content: Json) -> Container:
        self._objects.append(container)
        self._fill(container, content)
        return container

    def _fill(self, container: Container, content: Json) -> None:
        if isinstance(container, bytearray):
            container[:] = content.encode("latin-1")
            return
        elements = [self._decode(each) for each in _sequence(content)]
        if isinstance(container, list):
            container[:] = elements
        elif isinstance(container, set):
            container.clear()
            container.update(elements)
        else:
            container.clear()
            container.update(zip(elements[::2], elements[1::2], strict=True))


_TAGS: dict[type, str] = {dict: "d", set: "s", bytearray: "B"}


def _sequence(value: Json) -> list[Json]:
    if type(value) is not list:
        raise TypeError("not a list")
    return value


def _index(value: Json) -> int:
    if type(value) is not int or value < 0:
        raise TypeError("not a number of a container")
    return value


def _parts(value: Any) -> tuple[Any, ...] | None:
    """The name of a type of the standard library that is plain data, and what to make it from."""
    kind = type(value)
    if kind is range:
        return ("range", value.start, value.stop, value.step)
    if kind is collections.Counter or kind is collections.OrderedDict:
        return (kind.__name__, *_flat(value.items()))
    if kind is collections.defaultdict:
        return ("defaultdict", value.default_factory, *_flat(value.items()))
    if kind is collections.deque:
        return ("deque", value.maxlen, *value)
    for name, view in _VIEWS.items():
        if kind is view:
            return (name, *(_flat(value) if name == "items" else value))
    module = _LAZY.get(kind.__name__)
    if module not in sys.modules or getattr(sys.modules[module], kind.__name__) is not kind:
        return None
    if kind.__name__ == "Fraction":
        return ("Fraction", value.numerator, value.denominator)
    if kind.__name__ == "Decimal":
        return ("Decimal", str(value))
    if kind.__name__ == "timedelta":
        return ("timedelta", value.days, value.seconds, value.microseconds)
    return (kind.__name__, value.isoformat()) if not getattr(value, "fold", 0) else None


def _assemble(name: Json, parts: list[Any]) -> object:
    match name:
        case "range":
            return range(*parts)
        case "Counter":
            return collections.Counter(_pairs(parts))
        case "OrderedDict":
            return collections.OrderedDict(_pairs(parts))
        case "defaultdict":
            return collections.defaultdict(parts[0], _pairs(parts[1:]))
        case "deque":
            return collections.deque(parts[1:], parts[0])
        case "keys":
            return dict.fromkeys(parts).keys()
        case "values":
            return dict(enumerate(parts)).values()
        case "items":
            return _pairs(parts).items()
    kind = getattr(importlib.import_module(_LAZY[name]), name)
    if name in ("Fraction", "timedelta"):
        return kind(*map(_exact_int, parts))
    (text,) = parts
    return kind(text) if name == "Decimal" else kind.fromisoformat(text)


def _flat(pairs: Iterable[tuple[Any, Any]]) -> list[Any]:
    return [each for pair in pairs for each in pair]


def _pairs(flat: list[Any]) -> dict[Any, Any]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _exact_int(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("not an int")
    return value
