"""Lines of real packages for the study of exits."""

from __future__ import annotations

from collections.abc import Sequence

from rung.cascade.bench.data import DataMissing
from rung.cascade.bench.lines.case import Case
from rung.cascade.bench.lines.sampling import sample
from rung.cascade.bench.lines.tree import Tree

_BEFORE = 1000  # characters


def tasks(trees: Sequence[Tree], count: int, seed: int) -> list[Case]:
    """That end with their line, and do not begin within a name: the engine is asked without mending of tokens.

    Raises DataMissing where there are fewer.
    """
    wanted = 2 * count
    cases = [case for case in sample(trees, wanted, seed) if "\n" not in case.truth and not case.inside]
    if len(cases) < count:
        raise DataMissing(f"The trees give {len(cases)} tasks and not {count}: name more source trees.")
    return cases[:count]


def prompt(case: Case) -> str:
    """From the beginning of a line. A blank at the end is left out: in most vocabularies the next token begins so."""
    before = case.before[-_BEFORE:]
    if len(case.before) > _BEFORE:
        before = before.partition("\n")[2]
    return before.removesuffix(" ")
