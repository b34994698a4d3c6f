"""A place in a file of a package, and what stands there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """`line`: a whole line is missing, as in RepoEval. `statement`: the rest of one is, as in StmtEval."""

    LINE = "line"
    STATEMENT = "statement"


class Cut(StrEnum):
    """Where the cursor stands in a statement, in its tokens. A line is missing from its start."""

    START = "start"
    QUARTER = "quarter"
    HALF = "half"
    THREE_QUARTERS = "three quarters"


@dataclass(frozen=True, slots=True)
class Case:
    """before + truth + after is the file. path: within the package's tree, with slashes.

    begun: the end of `before`, from the first token of the statement or line. inside: the cursor is within a name.
    """

    package: str
    path: str
    kind: Kind
    cut: Cut
    inside: bool
    before: str
    truth: str
    after: str
    begun: str

    @property
    def id(self) -> str:
        """Different for all tasks of a run: package, file, row from 1 and column from 0 of the cursor, and the kind."""
        row, column = self.before.count("\n") + 1, len(self.before) - self.before.rfind("\n") - 1
        return f"{self.package}/{self.path}:{row}:{column}:{self.kind}"
