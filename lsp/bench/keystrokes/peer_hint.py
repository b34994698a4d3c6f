"""What llama.vim shows of an answer."""

from __future__ import annotations

from collections.abc import Sequence


def hint(answer: str, line: str, below: Sequence[str]) -> str:
    """line: the cursor's, which stands at its end. below: the lines under it. "": nothing is shown.

    Empty lines at its end are dropped, and it is not shown where it only says what stands below already.
    """
    lines = answer.split("\n")
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        return ""
    if not line.strip():  # it was asked for from the line's beginning
        lead = min(len(lines[0]) - len(lines[0].lstrip()), len(line))
        line, lines[0] = lines[0][:lead], lines[0][lead:]
    repeats = not lines[0] and lines[1:] == list(below[: len(lines) - 1])
    shown = "\n".join(lines)
    return "" if repeats or _repeats_below(lines, line, below) or not shown.strip() else shown


def _repeats_below(lines: Sequence[str], line: str, below: Sequence[str]) -> bool:
    first = next((at for at, one in enumerate(below) if one.strip()), None)
    if first is None or line + lines[0] != below[first]:
        return False
    following = list(below[first + 1 :])
    if len(lines) == 2:
        return bool(following) and following[0].startswith(lines[1])
    return list(lines[1:]) == following[: len(lines) - 1]
