"""What llama.vim reads around the cursor, and the keys by which it remembers an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_LINES_ABOVE, _LINES_BELOW = 256, 64
_DROPPED_LINES = 3
_CURSOR = "\0"  # stands in no file that is typed


@dataclass(frozen=True, slots=True)
class Context:
    """prefix: the lines above. middle: the cursor's line before it. suffix: what is behind it. indent: of the line."""

    prefix: str
    middle: str
    suffix: str
    indent: int

    @property
    def key(self) -> str:
        return key_of(self.prefix + self.middle, self.suffix)

    @property
    def keys(self) -> list[str]:
        """The key, and those with one to three leading lines dropped: what it will be a few lines further down."""
        found, prefix = [self.key], self.prefix
        for _ in range(_DROPPED_LINES):
            prefix = prefix.partition("\n")[2]
            if not prefix:
                break
            found.append(key_of(prefix + self.middle, self.suffix))
        return found


def key_of(before: str, suffix: str) -> str:
    return before + _CURSOR + suffix


def context_at(before: str, after: str, shown: Sequence[str] = (), indent: int = 0) -> Context:
    """Of the cursor between two texts. shown: lines of an offer, as if it was accepted already; then `indent` is kept.

    In a line of blanks the line is asked for from its beginning.
    """
    *above, line = before.split("\n")
    rest, *below = after.split("\n")
    suffix_lines = below[:_LINES_BELOW]
    if shown:
        if len(shown) > 1:
            above = [*above, line + rest + shown[0], *shown[1:-1]]
        middle, rest = (shown[-1] if len(shown) > 1 else line + rest + shown[0]), ""
    else:
        blank = not (line + rest).strip()
        indent = 0 if blank else len(line + rest) - len((line + rest).lstrip())
        middle, rest = ("", "") if blank else (line, rest)
    prefix = "".join(f"{one}\n" for one in above[-_LINES_ABOVE:])
    return Context(prefix, middle, "\n".join([rest, *suffix_lines, ""]), indent)
