"""Stand-ins for what the other side keeps: functions, iterators and objects."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NoReturn, Protocol

BATCH = 256  # items of an iterator in one message, at most


class Asker(Protocol):
    """Sends a request and waits for its answer."""

    def ask(self, op: str, number: int, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any: ...

    def refuse(self, reason: str) -> NoReturn: ...


class RemoteFunction:
    """A function or class of the other side."""

    def __init__(self, peer: Asker, number: int, name: str) -> None:
        self._peer = peer
        self._number = number
        self.__name__ = name

    def rung_number(self) -> int:
        return self._number

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._peer.ask("call", self._number, args, kwargs)


class RemoteIterator:
    """An iterator of the other side. Asks for 1, 2, 4 … items, so that an endless one costs at most twice its use."""

    def __init__(self, peer: Asker, number: int) -> None:
        self._peer = peer
        self._number = number
        self._items: Iterator[Any] = iter(())
        self._more = True
        self._count = 1

    def rung_number(self) -> int:
        return self._number

    def __iter__(self) -> RemoteIterator:
        return self

    def __next__(self) -> Any:
        for item in self._items:
            return item
        if not self._more:
            raise StopIteration
        self._more = False  # an exception ends it
        taken, more = self._peer.ask("next", self._number, (self._count,))
        self._items, self._more = iter(taken), more
        self._count = min(self._count * 2, BATCH)
        return next(self)


class Opaque:
    """An object of the solution that says no more than whether it is true.

    Comparing it would let the solution judge itself, so that is refused.
    """

    def __init__(self, peer: Asker, number: int) -> None:
        self.__dict__["_peer"] = peer
        self.__dict__["_number"] = number

    def rung_number(self) -> int:
        number: int = self.__dict__["_number"]
        return number

    def __bool__(self) -> bool:
        return self.__dict__["_peer"].ask("truth", self.rung_number()) is True

    def __eq__(self, other: object) -> bool:
        return self is other or self.__dict__["_peer"].refuse("an object of the solution cannot be compared")

    def __getattr__(self, name: str) -> Any:
        self.__dict__["_peer"].refuse("an object of the solution is no data")

    __hash__ = None  # type: ignore[assignment]


class RemoteObject(Opaque):
    """An instance of a class that the test knows. Its methods run in the solution."""

    def __getattr__(self, name: str) -> Any:
        return self.__dict__["_peer"].ask("get", self.rung_number(), (name,))

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__["_peer"].ask("set", self.rung_number(), (name, value))

    def __len__(self) -> int:
        length: int = self.__getattr__("__len__")()
        return length

    def __iter__(self) -> Iterator[Any]:
        return iter(self.__getattr__("__iter__")())

    def __getitem__(self, key: Any) -> Any:
        return self.__getattr__("__getitem__")(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.__getattr__("__setitem__")(key, value)

    def __str__(self) -> str:
        text: str = self.__getattr__("__str__")()
        return text

    def __repr__(self) -> str:
        text: str = self.__getattr__("__repr__")()
        return text


class Source:
    """An iterator that was handed out; an exception waits until the items before it are taken."""

    def __init__(self, items: Iterator[Any]) -> None:
        self.items = items
        self._error: Exception | None = None

    def take(self, count: int) -> tuple[list[Any], bool]:
        """The next items, and whether there may be more."""
        if self._error:
            error, self._error = self._error, None
            raise error
        count = min(count, BATCH)
        taken: list[Any] = []
        try:
            for item in itertools.islice(self.items, count):
                taken.append(item)  # noqa: PERF402  what came before an exception counts
        except Exception as error:
            if not taken:
                raise
            self._error = error
            return taken, True
        return taken, len(taken) == count
