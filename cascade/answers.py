"""What was answered already, found again by the text around the cursor.

The user may have typed a part of an answer since, or gone away and come back. Nothing depends on positions, so that an
edit elsewhere in the document loses nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

CAPACITY = 250
LOOK_BACK = 128
"""Characters of an answer that may have been typed since."""

_BEFORE, _AFTER = 400, 200  # characters around the cursor that tell a place
_PAIRS = {"(": ")", "[": "]", "{": "}", '"': '"', "'": "'", "`": "`"}

_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """texts: what can be inserted now; none where it is known that nothing is."""

    texts: tuple[str, ...]
    value: T


class Answers(Generic[T]):
    """The last CAPACITY answers of all documents. document: its URI."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, tuple[tuple[str, ...], T]] = OrderedDict()

    def put(self, document: str, before: str, after: str, texts: tuple[str, ...], value: T) -> None:
        """texts: what could be inserted between `before` and `after`; none: nothing could."""
        key = _key(document, before, after)
        self._kept.pop(key, None)
        self._kept[key] = (texts, value)
        if len(self._kept) > CAPACITY:
            self._kept.popitem(last=False)

    def find(self, document: str, before: str, after: str) -> Found[T] | None:
        """The latest position first: what was answered here, else what the text typed since agrees with."""
        found = self._find(document, before, after)
        if found is None and after[:1] and _PAIRS.get(before[-1:]) == after[0]:
            # An editor has closed the bracket or quote that the user typed.
            found = _without_closer(self._find(document, before, after[1:]), after[0])
        return found

    def forget(self, is_meant: Callable[[T], bool]) -> None:
        """The answers with such a value."""
        for key in [key for key, (_, value) in self._kept.items() if is_meant(value)]:
            del self._kept[key]

    def _find(self, document: str, before: str, after: str) -> Found[T] | None:
        for key, since in _earlier(document, before, after):
            kept = self._kept.get(key)
            if kept is None:
                continue
            texts, value = kept
            rests = tuple(text[len(since) :] for text in texts if text.startswith(since) and text != since)
            if rests or not since:
                self._kept.move_to_end(key)
                return Found(rests, value)
        return None


def typed_since(then: tuple[str, str], now: tuple[str, str]) -> str | None:
    """What was typed at the cursor since; None: it is at another place, or that is more than LOOK_BACK characters.

    then, now: the text before and after the cursor. A bracket or quote that an editor has closed may stand behind it.
    """
    since = _typed_since(then, now)
    before, after = now
    if since is None and after[:1] and _PAIRS.get(before[-1:]) == after[0]:
        since = _typed_since(then, (before, after[1:]))
    return since


def _typed_since(then: tuple[str, str], now: tuple[str, str]) -> str | None:
    there = _key("", *then)
    return next((since for key, since in _earlier("", *now) if key == there), None)


def _earlier(document: str, before: str, after: str) -> Iterator[tuple[_Key, str]]:
    """The places where the cursor may have been, the present one first, with what was typed since."""
    for start in range(len(before), max(-1, len(before) - LOOK_BACK - 1), -1):
        yield _key(document, before[max(0, start - _BEFORE) : start], after), before[start:]


def _key(document: str, before: str, after: str) -> _Key:
    return document, before[-_BEFORE:], after[:_AFTER]


def _without_closer(found: Found[T] | None, closer: str) -> Found[T] | None:
    """What is left to insert where `closer` stands behind the cursor already: only what ends with it."""
    if found is None:
        return None
    rests = tuple(text[:-1] for text in found.texts if text.endswith(closer) and len(text) > 1)
    return Found(rests, found.value) if rests else None
