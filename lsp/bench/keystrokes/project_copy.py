"""The source trees as they are before their stretches are written: copies, so that no index can hold what is typed."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from rung.cascade.bench.typing.stretch import Stretch
from rung.models.bench.work import BenchFailed

# No source, or somebody's settings, which must not decide how this run is done.
_LEFT_OUT = (".git", ".hg", ".venv", "node_modules", "__pycache__", ".rung.yaml", "*.so", "*.pyc")


class ProjectCopy:
    """Each tree is a project of its own in `folder`."""

    def __init__(self, folder: Path, stretches: Sequence[Stretch]) -> None:
        """Copies now. Raises BenchFailed."""
        trees = dict.fromkeys(stretch.tree for stretch in stretches)
        self._folders = {tree: folder / str(number) / tree.name for number, tree in enumerate(trees)}
        try:
            for tree, copy in self._folders.items():
                shutil.copytree(tree, copy, symlinks=True, ignore=shutil.ignore_patterns(*_LEFT_OUT))
                (copy / ".git").mkdir()  # the mark of a project's root
            for stretch in stretches:
                text = stretch.head + stretch.tail
                (self._folders[stretch.tree] / stretch.path).write_text(text, encoding="utf-8", newline="\n")
        except (OSError, shutil.Error) as error:
            raise BenchFailed(f"The source trees cannot be copied to {folder}: {error}") from None

    def folder(self, tree: Path) -> Path:
        """Of its copy."""
        return self._folders[tree]
