"""While somebody types, the prompt's beginning stays: nearly all of it is in the model's cache already."""

from __future__ import annotations

import argparse
import inspect
import itertools
from collections.abc import Iterator

import pytest
from lsprotocol.types import Position, Range, TextDocumentContentChangePartial

from rung.cascade.ladder import Rung
from rung.cascade.prompts import LINE_TOKENS, LOCAL_LINE_SUFFIX_TOKENS, prompt_here
from rung.cascade.task import Task, TaskKind
from rung.lsp.server.documents import Document, Place
from rung.lsp.server.windows import WINDOW, text_after, text_before
from rung.models.protocol import Prompt

from ..cascade.climb_fakes import rung, says

SOURCE = inspect.getsource(argparse)
LONG = "".join(SOURCE.splitlines(keepends=True)[300:600])
TYPED = "".join(SOURCE.splitlines(keepends=True)[300:380])
FOREIGN = "".join(
    line + ("  # 引数の説明をここに書く\n" if number % 3 == 0 else "\n")
    for number, line in enumerate(TYPED.split("\n"))
)
SMALL = rung("small", says(""))


def prompts(before: str, typed: str, after: str, asked: Rung = SMALL) -> Iterator[Prompt]:
    """After each keystroke of `typed`."""
    document = Document("untitled:a", before + after, 1, "python", "utf-32")
    lines = before.split("\n")
    line, column = len(lines) - 1, len(lines[-1])
    for character in typed:
        at = Position(line, column)
        document.apply_change(TextDocumentContentChangePartial(range=Range(at, at), text=character))
        line, column = (line + 1, 0) if character == "\n" else (line, column + 1)
        place = Place(line, column)
        task = Task(TaskKind.LINE, text_before(document, place), text_after(document, place))
        yield prompt_here(task, asked, LINE_TOKENS)


def evaluated(prompts: Iterator[Prompt]) -> tuple[float, float]:
    """Characters a keystroke that are not in the prompt before: of the prefix, and of prefixes on the average."""
    last, keystrokes, new, size = "", 0, 0, 0
    for prompt in prompts:
        keystrokes += 1
        new += len(prompt.prefix) - _common(last, prompt.prefix)
        size += len(prompt.prefix)
        last = prompt.prefix
    return new / keystrokes, size / keystrokes


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        (SOURCE[:9000], ""),
        (SOURCE[:9000], SOURCE[9000:]),
        (SOURCE * 2, SOURCE * 2),
        (SOURCE.replace("\n", ";") + "\n", "\n" + SOURCE),
    ],
    ids=["a new file", "at the end", "in the middle", "of a file beyond the window", "below a very long line"],
)
def test_a_keystroke_has_few_characters_evaluated(before: str, after: str) -> None:
    new, size = evaluated(prompts(before, TYPED, after))
    assert new < 5
    assert size > 800


def test_a_keystroke_has_few_characters_evaluated_over_300_lines() -> None:
    new, size = evaluated(prompts(SOURCE[:9000], LONG, SOURCE[9000:]))
    assert new < 5
    assert size > 800


def test_a_keystroke_in_a_line_beyond_the_window_has_few_characters_evaluated() -> None:
    minified = SOURCE.replace("\n", ";")
    assert len(minified) > WINDOW
    new, size = evaluated(prompts(minified, TYPED.replace("\n", ";"), minified))
    assert new < 5
    assert size > 800


def test_a_keystroke_among_comments_in_another_script_has_few_characters_evaluated() -> None:
    new, size = evaluated(prompts(FOREIGN[:3000], FOREIGN, SOURCE))
    assert new < 10
    assert size > 600


def test_lines_that_are_shorter_or_longer_below_move_no_beginning() -> None:
    before = SOURCE[:9000]
    beginnings = set()
    for rest in (")", "))", ")  # of all", "", ", other)" * 9):
        below = "\n".join("x" * length for length in range(len(rest), 60))
        (prompt,) = prompts(before, "(", f"{rest}\n{below}\n{SOURCE}")
        beginnings.add(before.find(prompt.prefix[:200]))
    assert len(beginnings) == 1


def test_going_on_from_line_to_line_seldom_moves_the_beginning() -> None:
    lines = SOURCE.split("\n")
    places = range(600, 700)
    prefixes = [
        next(prompts("\n".join(lines[: line + 1]), "x", "\n" + "\n".join(lines[line + 1 :]))).prefix for line in places
    ]
    moved = sum(
        not SOURCE.startswith(prefix[:200], SOURCE.find(last[:200])) for last, prefix in itertools.pairwise(prefixes)
    )
    assert 0 < moved < 20


def test_what_is_evaluated_again_with_each_keystroke_after_the_cursor_is_bounded() -> None:
    for prompt in prompts(SOURCE[:9000], TYPED[:300], SOURCE[9000:]):
        assert 0 < len(prompt.suffix) <= LOCAL_LINE_SUFFIX_TOKENS * 2.5
        assert prompt.suffix.endswith("\n")


def _common(one: str, other: str) -> int:
    """The length of the longest common prefix."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low
