"""Whether what was shown is what stands in the file, and how near it comes."""

from __future__ import annotations

from rapidfuzz.distance import Levenshtein

from rung.cascade.bench.lines.case import Case, Kind
from rung.cascade.bench.lines.code import words


def is_exact(case: Case, text: str) -> bool:
    """Of a line task, the first line counts, as in RepoEval; blanks around a text do not.

    A statement is also right where CPython's `tokenize` cuts it, from its beginning, into the same tokens: then blanks
    and line breaks between them do not count, but quotes and trailing commas do.
    """
    if _counted(case, text) == case.truth.strip():
        return True
    if case.kind is Kind.LINE:
        return False
    right = words(case.begun + case.truth)
    return right is not None and words(case.begun + text) == right


def similarity(case: Case, text: str) -> float:
    """1 - Levenshtein distance / length of the longer text, as in RepoEval, of what counts in `is_exact`."""
    return Levenshtein.normalized_similarity(_counted(case, text), case.truth.strip())


def _counted(case: Case, text: str) -> str:
    text = text.strip()
    return text.partition("\n")[0].rstrip() if case.kind is Kind.LINE else text
