"""Blanks at the end of a prompt ruin small models: they are cut off and left to the model to write.

A tokenizer joins a line break with the indentation after it, and a blank with the word after
it. A prompt that ends in between is text that no model has seen. So the prompt ends before
its trailing blanks, and the same blanks are taken off the beginning of what comes back.
(An end within a word is left alone: a completions endpoint gives no means to heal it.)

What a generation G begins with, against what was cut:

- G begins with exactly what was cut: that is taken off.
- Blanks within a line were cut: G's blanks are taken off, up to a line break (the model ends
  the line here).
- A line break was cut, and G begins with none: the model went on in the line before the
  cursor's, or began at the cursor: G's blanks are taken off.
- A line break was cut, and G begins with one: at most as many breaks are taken off as were
  cut, all of them where the cursor is indented. Then the indentation: as deep as the cursor's
  or deeper, the cursor's is taken off. Shallower: the model ended the cursor's block, nothing
  can be inserted there, the text is empty. Other blanks (tabs, not spaces): they are taken off.

Lines after the first come as the model wrote them: they are indented like a document that
the model saw, and shifting them would move statements into other blocks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_BLANKS = " \t\r\n"
_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Cut:
    """A prefix in two: what is sent, and the blanks that were cut off its end."""

    prefix: str
    blanks: str

    @staticmethod
    def of(prefix: str) -> Cut:
        """A prefix of nothing but blanks is not cut: many servers refuse an empty prompt."""
        kept = prefix.rstrip(_BLANKS)
        return Cut(kept, prefix[len(kept) :]) if kept else Cut(prefix, "")

    def may_reach(self, stop: str) -> bool:
        """Whether `stop` could match in the blanks that are taken off, where it must not stop anything.

        Such a stop string is not sent: `"\\n"` would end a generation that has to begin with it.
        """
        leading = stop[: len(stop) - len(stop.lstrip(_BLANKS))]
        if not self.blanks or not leading:
            return False
        if not _BREAK.search(self.blanks):
            return leading[0] not in "\r\n"
        # after an indentation, a match of "\ndef" is a block that ended: an empty text either way
        return not (_indentation(self.blanks) and leading != stop and leading[-1] in "\r\n")

    def begin(self, generated: str, *, ended: bool) -> int | None:
        """Characters to take off `generated`; None while that hangs on what comes next.

        len(generated) or more: there is nothing to insert, whatever follows.
        """
        if generated.startswith(self.blanks):
            return len(self.blanks)
        if self.blanks.startswith(generated) and not ended:
            return None
        blank = len(generated) - len(generated.lstrip(_BLANKS))
        if blank == len(generated) and not ended:
            return None
        return _other_blanks(self.blanks, generated[:blank])


def _other_blanks(cut: str, written: str) -> int:
    breaks = list(_BREAK.finditer(written))
    cut_breaks = len(_BREAK.findall(cut))
    if not cut_breaks:
        return breaks[0].start() if breaks else len(written)
    if not breaks:
        return len(written)
    indentation = _indentation(cut)
    if not indentation:
        return breaks[min(cut_breaks, len(breaks)) - 1].end()
    ours, start = _indentation(written), breaks[-1].end()
    if ours.startswith(indentation):
        return start + len(indentation)
    return NOTHING if indentation.startswith(ours) else len(written)


def _indentation(blanks: str) -> str:
    return _BREAK.split(blanks)[-1]


NOTHING = 2**62  # an offset beyond any text: nothing of it is inserted
