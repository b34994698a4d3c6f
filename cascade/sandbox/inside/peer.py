"""Calls between an evaluator and a solution: data goes by value, functions, iterators and objects by number.

Either side may call what the other has handed out, also while it waits (a test may pass a lambda). After a call the
containers among its arguments are brought up to what the callee made of them.

A request is `[op, number, args, kwargs]`; an answer is `["", value, changes]`, `[exception, args, changes]`, or
`[reason]` where the value is no data.
"""

from __future__ import annotations

import _thread
import builtins
import itertools
import os
import struct
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from .codec import Container, Decoder, Encoder, Json, Malformed, Refused, dumps, loads
from .remote import Source

_HEADER = struct.Struct("<I")


class Broken(Exception):
    """The other side is gone, or does not keep to the protocol."""


class Peer:
    """One end of the connection.

    limit: bytes of a message. hands_out: what may leave by number. serves: requests that are answered.
    remote: makes the stand-in of (kind, number, name); may raise Refused. failed: told of what no code under test may
    catch; where it returns, a Refused becomes a TypeError. unanswered: requests that the other side waits for.
    """

    def __init__(
        self,
        fd: int,
        limit: int,
        hands_out: frozenset[str],
        serves: frozenset[str],
        remote: Callable[[Peer, str, int, str], object],
        failed: Callable[[Broken | Refused], None],
    ) -> None:
        self._fd = fd
        self._limit = limit
        self._hands_out = hands_out
        self._serves = serves
        self._remote = remote
        self._failed = failed
        self.unanswered = 0
        self._exports: dict[int, Any] = {}
        self._numbers = itertools.count()
        self._lock = _thread.RLock()

    def export(self, value: object) -> int:
        """Hand a value out under a new number."""
        number = next(self._numbers)
        self._exports[number] = value
        return number

    def refuse(self, reason: str) -> NoReturn:
        """A use of a stand-in that has no answer."""
        self._failed(Refused(reason))
        raise TypeError(reason)

    def ask(self, op: str, number: int, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        """The answer of the other side, or its exception."""
        try:
            with self._lock:
                return self._exchange(op, number, args, kwargs or {})
        except (Broken, Refused) as error:
            self._failed(error)
            raise TypeError(str(error)) from None

    def serve(self, message: Json) -> None:
        """Answer one request. Raises Broken."""
        objects: list[Container] = []
        try:
            op, number, encoded, named = message
            decoder = Decoder(objects, self._decode_other)
            args = [decoder.decode(each) for each in encoded]
            kwargs = {name: decoder.decode(each) for name, each in named.items()}
            if op not in self._serves:
                raise Malformed("a request that is not served")
            target = self._exports[number]
        except (Malformed, TypeError, ValueError, AttributeError, LookupError) as error:
            raise Broken(str(error)) from None
        before = [_snapshot(each) for each in objects]
        self.unanswered += 1
        result: Any
        try:
            name, result = "", _OPS[op](target, args, kwargs)
        except Exception as error:  # noqa: BLE001  the caller's to handle, whatever it is
            name, result = _nearest_builtin(error), error
        self._reply(name, result, objects, before)
        self.unanswered -= 1

    def send(self, message: Json) -> None:
        """Raises Refused where it is too large, and Broken."""
        payload = dumps(message)
        if len(payload) > self._limit:
            raise Refused(f"data of {len(payload)} bytes")
        view = memoryview(_HEADER.pack(len(payload)) + payload)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as error:
            raise Broken(str(error)) from None

    def receive(self) -> Json:
        """Raises Broken."""
        (size,) = _HEADER.unpack(self._read(_HEADER.size))
        if size > self._limit:
            raise Broken("a message over the limit")
        try:
            return loads(self._read(size))
        except Malformed as error:
            raise Broken(str(error)) from None

    def _exchange(self, op: str, number: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        objects: list[Container] = []
        encoder = Encoder(objects, self._encode_other)
        encoded = [encoder.encode(each) for each in args]
        self.send([op, number, encoded, {name: encoder.encode(each) for name, each in kwargs.items()}])
        while True:
            message = self.receive()
            if type(message) is list and len(message) == 4:
                self.serve(message)
            else:
                return self._answer(message, objects)

    def _reply(self, name: str, result: Any, objects: list[Container], before: list[Any]) -> None:
        received = objects[:]
        encoder = Encoder(objects, self._encode_other)
        try:
            if name:
                value, encoder = self._encode_args(result, encoder, received)
            else:
                value = encoder.encode(result)
            changes = [
                [number, encoder.content(each)]
                for number, each in enumerate(received)
                if not _same(before[number], _snapshot(each))
            ]
            self.send([name, value, changes])
        except Refused as error:
            self._failed(error)
            self.send([str(error)[:1000]])

    def _encode_args(self, error: Exception, encoder: Encoder, received: list[Container]) -> tuple[Json, Encoder]:
        try:
            return [encoder.encode(each) for each in error.args], encoder
        except Refused:  # its text will do; the numbers given in vain are forgotten
            return [str(error)[:1000]], Encoder(received[:], self._encode_other)

    def _answer(self, message: Json, objects: list[Container]) -> Any:
        decoder = Decoder(objects, self._decode_other)
        try:
            if type(message) is list and len(message) == 1:
                raise Refused(str(message[0]))
            name, encoded, changes = message
            value = [decoder.decode(each) for each in encoded] if name else decoder.decode(encoded)
            for number, content in changes:
                decoder.refill(number, content)
            if name == "":
                return value
            error = _exception(name, value)
        except (Malformed, TypeError, ValueError) as nonsense:
            raise Broken(str(nonsense)) from None
        raise error

    def _encode_other(self, value: object) -> Json:
        own = getattr(type(value), "rung_number", None)
        if own is not None:
            return {"y": own(value)}
        if isinstance(value, Iterator):
            return self._encode_export("iterator", Source(value), "")
        if callable(value):
            return self._encode_export("function", value, getattr(value, "__name__", ""))
        return self._encode_export("object", value, type(value).__name__)

    def _encode_export(self, kind: str, value: object, name: str) -> Json:
        if kind not in self._hands_out:
            raise Refused(f"a {name}, which is no data")
        return {"x": [kind, self.export(value), name]}

    def _decode_other(self, tag: str, body: Json) -> object:
        if tag == "y":
            target = self._exports[body]
            return target.items if isinstance(target, Source) else target
        kind, number, name = body
        if tag != "x" or type(number) is not int or type(name) is not str:
            raise ValueError("an unknown tag")
        return self._remote(self, kind, number, name)

    def _read(self, size: int) -> bytes:
        parts = []
        while size:
            try:
                part = os.read(self._fd, min(size, 1 << 20))
            except OSError as error:
                raise Broken(str(error)) from None
            if not part:
                raise Broken("the other side ended")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


_OPS: dict[str, Callable[[Any, list[Any], dict[str, Any]], Any]] = {
    "call": lambda target, args, kwargs: target(*args, **kwargs),
    "next": lambda target, args, kwargs: target.take(*args),
    "truth": lambda target, args, kwargs: bool(target),
    "get": lambda target, args, kwargs: getattr(target, *args),
    "set": lambda target, args, kwargs: setattr(target, *args),
}


def _nearest_builtin(error: Exception) -> str:
    return next(str(each.__name__) for each in type(error).__mro__ if vars(builtins).get(each.__name__) is each)


def _exception(name: Json, args: list[Any]) -> Exception:
    """StopIteration would end a loop of the test as if all were well; as in a generator, it becomes a RuntimeError."""
    if name in ("StopIteration", "StopAsyncIteration"):
        name = "RuntimeError"
    kind = vars(builtins)[name] if type(name) is str and name in vars(builtins) else None
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        raise ValueError("no exception of that name")
    try:
        error: Exception = kind.__new__(kind, *args)
    except TypeError:  # ExceptionGroup needs more than data
        error = Exception.__new__(Exception)
    error.args = tuple(args)
    return error


def _snapshot(value: Container) -> Any:
    if isinstance(value, dict):
        return [each for pair in value.items() for each in pair]
    return bytes(value) if isinstance(value, bytearray) else value.copy()


def _same(before: Any, after: Any) -> bool:
    if type(before) is list:
        return len(before) == len(after) and all(a is b for a, b in zip(before, after, strict=True))
    return bool(before == after)
