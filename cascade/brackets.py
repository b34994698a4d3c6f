"""Brackets of a text between what stands before and after it."""

from __future__ import annotations

from dataclasses import dataclass

from rung.models.lexer import Lexer, last_lines, lexer_behind, read_into
from rung.models.statement import SCANNED

_AFTER = 1000


@dataclass(frozen=True, slots=True)
class Gap:
    """The place of a text in code. wanted: closing brackets it may have beside its own, for those opened before it."""

    language: str
    wanted: int

    @staticmethod
    def at(before: str, after: str, language: str) -> Gap | None:
        """None within a string or a comment."""
        lexer, _ = lexer_behind(last_lines(before, SCANNED), language)
        if lexer.quote or lexer.comment:
            return None
        after_it, _, _ = read_into(Lexer(language), after[:_AFTER])
        return Gap(language, max(0, len(lexer.brackets) - after_it.missing))

    def balanced(self, text: str) -> str:
        """`text`, where it closes brackets that are closed after it already, up to the first of them."""
        lexer, surplus = Lexer(self.language), None
        for at, character in enumerate(text):
            lexer.take(character)
            if lexer.missing > self.wanted and surplus is None:
                surplus = at
        # `f(a) and g(b` before `)` closes one more on its way, and ends where it should.
        return text if surplus is None or -lexer.depth <= self.wanted else text[:surplus].rstrip()
