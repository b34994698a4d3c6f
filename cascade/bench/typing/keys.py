"""The keys with which a user types a text into an editor that indents.

Enter brings the indentation of the last line that is not blank, one level more after `:` or an opening bracket, as
editors do for Python; a line that stays blank stays empty. Tab adds up to a level, Backspace takes up to a level away.
Nothing else is written by the editor: no bracket is closed, no list of names pops up.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

_DEEPER = (":", "(", "[", "{")
_BLANKS = " \t"


class KeyKind(StrEnum):
    """What decides how long a hand pauses before a key."""

    LINE = "line"  # the first of a line, behind its indentation
    WORD = "word"  # the first of a word
    WITHIN = "within"  # a further one of a word
    BLANK = "blank"
    SIGN = "sign"  # all others


@dataclass(frozen=True, slots=True)
class Key:
    """delete: characters before the cursor that it takes away, before `text` is inserted there."""

    kind: KeyKind
    delete: int
    text: str


@dataclass(frozen=True, slots=True)
class Place:
    """How far a user has come: `done` characters of the text stand there.

    excess: blanks behind them that Enter brought and that must go.
    """

    done: int
    excess: str = ""


@dataclass(frozen=True, slots=True)
class Typed:
    """text: to be typed. indent: the blanks that stand before its first line. level: the blanks of one indentation."""

    text: str
    indent: str
    level: str

    def next_key(self, place: Place) -> tuple[Key, Place] | None:
        """The next key, and the place behind it; None where all is written."""
        text, done = self.text, place.done
        if place.excess:
            gone = min(len(place.excess), len(self.level))
            return Key(KeyKind.BLANK, gone, ""), Place(done, place.excess[:-gone])
        if done == len(text):
            return None
        if text[done] == "\n":
            return self._enter(done)
        line = text.rfind("\n", 0, done) + 1
        before = text[line:done]
        if line and not before.strip(_BLANKS) and text[done] in _BLANKS:
            blanks = len(text) - done - len(text[done:].lstrip(_BLANKS))
            brought = text[done : done + min(blanks, len(self.level))]
            return Key(KeyKind.BLANK, 0, brought), Place(done + len(brought))
        return Key(kind_of(before, text[done]), 0, text[done]), Place(done + 1)

    def all_keys(self) -> list[tuple[Place, Key]]:
        """Of a user to whom nothing is offered, each with the place before it."""
        found: list[tuple[Place, Key]] = []
        place = Place(0)
        while (step := self.next_key(place)) is not None:
            found.append((place, step[0]))
            place = step[1]
        return found

    def written(self, start: int, end: int) -> int:
        """Characters of text[start:end] but for the indentation of lines, which editors write."""
        count = 0
        for at in range(start, end):
            line = self.text.rfind("\n", 0, at) + 1
            count += line == 0 or self.text[at] not in _BLANKS or bool(self.text[line:at].strip(_BLANKS))
        return count

    def _enter(self, done: int) -> tuple[Key, Place]:
        following = self.text[done + 1 :].split("\n", 1)[0]
        if not following.strip(_BLANKS):
            return Key(KeyKind.SIGN, 0, "\n"), Place(done + 1)
        brought = self._indent_behind(done)
        wanted = following[: len(following) - len(following.lstrip(_BLANKS))]
        same = next((at for at, pair in enumerate(zip(brought, wanted, strict=False)) if pair[0] != pair[1]), None)
        kept = min(len(brought), len(wanted)) if same is None else same
        return Key(KeyKind.SIGN, 0, "\n" + brought), Place(done + 1 + kept, brought[kept:])

    def _indent_behind(self, done: int) -> str:
        """What Enter brings there."""
        lines = f"{self.indent}{self.text[:done]}".split("\n")
        above = next((line for line in reversed(lines) if line.strip(_BLANKS)), self.indent)
        indent = above[: len(above) - len(above.lstrip(_BLANKS))]
        return indent + self.level if above.rstrip(_BLANKS).endswith(_DEEPER) else indent


def kind_of(before: str, key: str) -> KeyKind:
    """Of a key that follows `before` in its line."""
    if key in _BLANKS:
        return KeyKind.BLANK
    if not before.strip(_BLANKS):
        return KeyKind.LINE
    if not _of_word(key):
        return KeyKind.SIGN
    return KeyKind.WITHIN if _of_word(before[-1]) else KeyKind.WORD


def _of_word(character: str) -> bool:
    return character.isalnum() or character == "_"
