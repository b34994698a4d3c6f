"""What is looked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Query:
    """The place that is completed, and what a model said about it.

    before, after: the text around the cursor. path: of the file, relative to the project, separated by "/"; None where
    it has none. visible: characters of `before`, at its end, and of `after`, at its beginning, that the prompt holds
    anyway: chunks that lie in there are no help. second: what the small model wrote here, "" where nothing is known.
    confidence: the score of `second`, in [0, 1].
    """

    before: str
    after: str
    path: str | None
    visible: tuple[int, int]
    second: str = ""
    confidence: float = 0.0
