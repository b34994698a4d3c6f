"""Where nothing is completed by itself for now. Who asks by hand is answered all the same."""

from __future__ import annotations

from pathlib import Path


class Pausing:
    """Of one session. A root of None is that of files outside any project."""

    def __init__(self) -> None:
        self.everywhere = False
        self._roots: set[Path | None] = set()

    def holds(self, root: Path | None) -> bool:
        return self.everywhere or self.here(root)

    def here(self, root: Path | None) -> bool:
        """Whether this project is paused by itself, wherever else."""
        return root in self._roots

    def pause(self, root: Path | None, *, paused: bool) -> None:
        """One project."""
        if paused:
            self._roots.add(root)
        else:
            self._roots.discard(root)
