"""The tables of `rung bench checkpoints`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from rich import box
from rich.table import Table

from rung.cascade.bench.greedy import Written, agreement, exact
from rung.lsp.bench.checkpoints_run import Measured, Tasks


def size_and_speed(results: Sequence[Measured]) -> Table:
    """Sizes in millions of bytes, tokens per second, and the mean time of a line of HumanEval."""
    table = _table("checkpoint", "MB", "vocabulary", "prompt/s", "1 seq/s", "10 seq/s", "vs ref", "ms a line")
    by_name = {result.subject.name: result for result in results}
    for result in results:
        speed, reference = result.speed, by_name[result.subject.reference].speed
        table.add_row(
            result.subject.name,
            f"{result.subject.size / 1e6:.0f}",
            f"{result.vocabulary:,}",
            f"{speed.prompt:.0f}",
            f"{speed.one:.0f}",
            f"{speed.ten:.0f}",
            f"{speed.one / reference.one:.2f}",
            f"{result.humaneval.seconds * 1000:.0f}",
        )
    return table


def right_and_same(results: Sequence[Measured], tasks: Tasks) -> Table:
    """Exact match, and the greedy texts beside the reference's."""
    table = _table(
        *("checkpoint", "exact HumanEval", "exact source", "same code", "prefix code", "same comments"),
        *("prefix comments", "tokens code", "tokens comments", "round trip"),
    )
    by_name = {result.subject.name: result for result in results}
    for result in results:
        reference = by_name[result.subject.reference]
        table.add_row(
            result.subject.name,
            f"{exact(result.humaneval, tasks.humaneval):.1%}",
            f"{exact(result.source, tasks.source):.1%}" if tasks.source else "",
            *_same(result, reference, "code"),
            *_same(result, reference, "comments"),
            f"{same_tokens(result.code_cuts, reference.code_cuts):.2%}",
            f"{same_tokens(result.comment_cuts, reference.comment_cuts):.2%}",
            _round_trip(result, tasks),
        )
    return table


def same_tokens(cuts: Sequence[Sequence[bytes]], reference: Sequence[Sequence[bytes]]) -> float:
    """The share of the reference's tokens that the other tokenizer cuts at the same place."""
    pairs = [(_spans(cut), _spans(other)) for cut, other in zip(cuts, reference, strict=True)]
    return sum(len(one & other) for one, other in pairs) / max(sum(len(other) for _, other in pairs), 1)


def _same(result: Measured, reference: Measured, kind: str) -> tuple[str, str]:
    found = agreement(_texts(result, kind), _texts(reference, kind))
    return f"{found.same:.1%}", f"{found.prefix:.1f} of {found.of:.1f}"


def _texts(result: Measured, kind: str) -> tuple[str, ...]:
    written: tuple[Written, ...] = (result.comments,) if kind == "comments" else (result.humaneval, result.source)
    return tuple(text for part in written for text in part.texts)


def _spans(cut: Sequence[bytes]) -> set[tuple[int, int]]:
    ends = list(accumulate(map(len, cut)))
    return set(zip([0, *ends], ends, strict=False))


def _round_trip(result: Measured, tasks: Tasks) -> str:
    texts = tasks.code_texts() + tasks.comment_texts()
    cuts = result.code_cuts + result.comment_cuts
    back = sum(b"".join(cut) == text.encode() for cut, text in zip(cuts, texts, strict=True))
    return f"{back} of {len(texts)}"


def _table(*columns: str) -> Table:
    table = Table(box=box.MARKDOWN)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    return table
