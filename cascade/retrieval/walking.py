"""Walks the files of a project that may be indexed."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rung.cascade.privacy.ignored import Unreadable
from rung.cascade.privacy.tree import Folder, project_folder
from rung.cascade.retrieval.reading import MAX_BYTES


@dataclass(frozen=True, slots=True)
class Bounds:
    """entries: names that are looked at. bytes: of all files together."""

    files: int = 20_000
    entries: int = 500_000
    bytes: int = 200_000_000
    depth: int = 40


@dataclass(frozen=True, slots=True)
class Found:
    """path: relative to the project, separated by "/"."""

    path: str
    mtime_ns: int
    size: int


def walk(
    root: Path, never_send: tuple[str, ...], say: Callable[[str], None], bounds: Bounds = Bounds()
) -> Iterator[Found]:
    """Every file that is neither ignored nor never sent nor too large, those near the root first.

    Ignored folders are not entered, links not followed. say: gets a sentence where something had to be left out.
    root: resolved.
    """
    try:
        top = project_folder(root, never_send)
    except (Unreadable, OSError) as error:
        say(f"The code of {root} is not searched: {error}.")
        return
    waiting = deque([] if top is None else [("", top)])
    entries = files = total = 0
    while waiting:
        prefix, folder = waiting.popleft()
        for entry in _entries(folder.path):
            entries += 1
            if entries > bounds.entries or files >= bounds.files or total > bounds.bytes:
                say(
                    f"{root} is larger than what is searched: {files:,} files with {total // 1_000_000} MB are. "
                    "Patterns in .gitignore or never_send keep files out."
                )
                return
            is_folder = entry.is_dir(follow_symlinks=False)
            if not _is_name(entry.name) or folder.leaves_out(entry.name, is_folder):
                continue
            path = f"{prefix}{entry.name}"
            if is_folder and path.count("/") < bounds.depth:
                if (inner := _inner(folder, entry.name, say)) is not None:
                    waiting.append((f"{path}/", inner))
            elif (found := _file(path, entry)) is not None:
                files += 1
                total += found.size
                yield found


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """None of a folder that is gone or closed to this user."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def _inner(folder: Folder, name: str, say: Callable[[str], None]) -> Folder | None:
    try:
        return folder.folder(name)
    except (Unreadable, OSError) as error:
        say(f"The code in {folder.path / name} is not searched: {error}.")
        return None


def _file(path: str, entry: os.DirEntry[str]) -> Found | None:
    try:
        if not entry.is_file(follow_symlinks=False):
            return None
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    return Found(path, status.st_mtime_ns, status.st_size) if status.st_size <= MAX_BYTES else None


def _is_name(name: str) -> bool:
    """Whether it can be stored: names of files may be any bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
