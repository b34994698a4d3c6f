"""Real code to measure with: the standard library's, so that nothing needs to be fetched."""

from __future__ import annotations

import random
import sysconfig
from functools import cache
from pathlib import Path

_MODULES = ("argparse", "dataclasses", "tarfile", "typing", "subprocess", "statistics", "shutil", "zipfile", "textwrap")
_SAMPLE = 4000


class Texts:
    """Places in real code, in an order that a seed decides; each is taken once.

    bytes_a_token: of this code with the checkpoint's tokenizer; `calibrated` measures it.
    """

    def __init__(self, seed: int, bytes_a_token: float = 3.5) -> None:
        self._random = random.Random(seed)
        self._bytes_a_token = bytes_a_token

    def calibrated(self, tokens: int, characters: int) -> None:
        """A text of `characters` had `tokens`."""
        self._bytes_a_token = characters / tokens

    def fresh(self, tokens: int) -> str:
        """About `tokens` of code that ends within a line, and that no contestant has seen: another beginning."""
        source = _source()
        length = int(tokens * self._bytes_a_token)
        start = source.index("\n", self._random.randrange(len(source) - length - _SAMPLE)) + 1
        number = self._random.randrange(10**9)
        text = f"# revision {number}\n{source[start : start + length]}"
        return text[: _within_a_line(text)]


def real_code(module: str) -> str:
    """The text of a module of the standard library."""
    return (Path(sysconfig.get_path("stdlib")) / f"{module}.py").read_text(encoding="utf-8")


def with_changed_line(text: str, share: float) -> str:
    """The text after one line, `share` of the way through it, was edited."""
    lines = text.split("\n")
    at = min(int(share * len(lines)), len(lines) - 2)
    while at > 1 and not lines[at].strip():
        at -= 1
    lines[at] += "  # changed"
    return "\n".join(lines)


def _within_a_line(text: str) -> int:
    """Where to end, so that no end of file or of statement invites the model to stop: after a word in a line."""
    end = len(text)
    while end > len(text) // 2 and not (text[end - 1].isalnum() and text[end - 2].isalnum()):
        end -= 1
    return end


@cache
def _source() -> str:
    return "\n".join(map(real_code, _MODULES))
