"""Which files of a project's tree may leave the machine, found folder by folder: what is left out is never entered.

The same rules as those of `gate.may_send`, asked once for each name instead of once for each path.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from rung.cascade.privacy.gate import never_sent
from rung.cascade.privacy.ignored import exclude_file, own_file, patterns_of
from rung.cascade.privacy.patterns import PatternList


@dataclass(frozen=True, slots=True)
class _Repository:
    """Where git would look for patterns. lists: nearest last, each with how many parts of the path its folder has."""

    lists: tuple[tuple[int, PatternList], ...]
    shared: tuple[PatternList, ...]
    depth: int

    def ignores(self, parts: tuple[str, ...], is_folder: bool) -> bool:
        asked = [(depth, patterns) for depth, patterns in reversed(self.lists)]
        asked += [(self.depth, patterns) for patterns in self.shared]
        for depth, patterns in asked:
            rule = patterns.decide("/".join(parts[depth:]), is_folder)
            if rule is not None:
                return rule.ignores
        return False


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that may be looked into. parts: of its absolute path, without the anchor. above: how many parts the
    path of the project has."""

    path: Path
    above: int
    parts: tuple[str, ...]
    never: PatternList
    repositories: tuple[_Repository, ...]

    def leaves_out(self, name: str, is_folder: bool) -> bool:
        """Whether the file or folder `name` in it is ignored or never sent."""
        parts = (*self.parts, name)
        rule = self.never.decide("/".join(parts[self.above :]), is_folder)
        if rule is not None and rule.ignores:
            return True
        return any(repository.ignores(parts, is_folder) for repository in self.repositories)

    def folder(self, name: str) -> Folder:
        """The folder `name` in it, which is not left out. Raises Unreadable, OSError."""
        return _entered(self, self.path / name)


def project_folder(root: Path, never_send: tuple[str, ...]) -> Folder | None:
    """The project itself; None where a repository around it ignores it. root: resolved. Raises Unreadable, OSError."""
    top = next((above for above in (root, *root.parents) if os.path.lexists(above / ".git")), root)
    never = never_sent(never_send)
    above = len(root.parts) - 1
    start = Folder(top.parent, above, top.parts[1:-1], PatternList.of([], ignore_case=True), ())
    folder = _entered(start, top, is_top=True)
    for name in root.parts[len(top.parts) :]:
        if folder.leaves_out(name, is_folder=True):
            return None
        folder = _entered(folder, folder.path / name)
    return Folder(folder.path, above, folder.parts, never, folder.repositories)


def _entered(outer: Folder, path: Path, is_top: bool = False) -> Folder:
    parts = path.parts[1:]
    repositories = outer.repositories
    if is_top or os.path.lexists(path / ".git"):
        shared = tuple(found for file in (exclude_file(path), own_file()) if (found := patterns_of(file)))
        repositories = (*repositories, _Repository((), shared, len(parts)))
    patterns = patterns_of(path / ".gitignore")
    if patterns is not None:
        repositories = tuple(
            _Repository((*repository.lists, (len(parts), patterns)), repository.shared, repository.depth)
            for repository in repositories
        )
    return Folder(path, outer.above, parts, outer.never, repositories)
