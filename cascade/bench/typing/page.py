"""The document under the user's hands."""

from __future__ import annotations

from dataclasses import dataclass

from rung.cascade.bench.typing.keys import Key


@dataclass(slots=True)
class Page:
    """before, after: the text around the cursor."""

    before: str
    after: str

    @property
    def line(self) -> int:
        """The cursor's, from 0."""
        return self.before.count("\n")

    @property
    def column(self) -> int:
        """The cursor's, in UTF-16 code units, as editors count."""
        return len(self.before[self.before.rfind("\n") + 1 :].encode("utf-16-le")) // 2

    def press(self, key: Key) -> None:
        self.before = self.before[: len(self.before) - key.delete] + key.text
