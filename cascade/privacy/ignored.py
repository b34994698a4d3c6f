"""Whether git would ignore a file: .gitignore files at every level, .git/info/exclude and the user's own ignore file.

A file that is ignored but was added all the same counts as ignored here.
"""

from __future__ import annotations

import os
import stat
import sys
from functools import lru_cache
from pathlib import Path

from rung.cascade.privacy.patterns import PatternList, Rule

MAX_BYTES = 1024 * 1024
IGNORE_CASE = sys.platform in ("win32", "darwin")
"""As git sets core.ignoreCase where file systems do not tell names apart by case."""


class Unreadable(Exception):
    """A file of patterns is there and cannot be used; its sentence says why."""


def ignored_by(path: Path, root: Path | None) -> str | None:
    """Which line of which file ignores `path`, such as `.gitignore, line 3 ("*.log")`; None where none does.

    path and root: absolute. Raises Unreadable.
    """
    for top in _tops(path.parent, root):
        found = _ignored_in(top, path.relative_to(top).parts)
        if found is not None:
            file, rule = found
            shown = file.relative_to(top) if file.is_relative_to(top) else file
            return f'{shown.as_posix()}, line {rule.line} ("{rule.text}")'
    return None


def _tops(folder: Path, root: Path | None) -> list[Path]:
    """The repositories that the folder lies in, up to that of the project; else the project, else the folder."""
    tops = []
    for above in (folder, *folder.parents):
        if os.path.lexists(above / ".git"):
            tops.append(above)
            if root is None or root.is_relative_to(above):
                return tops
    return [*tops, root or folder]


def _ignored_in(top: Path, parts: tuple[str, ...]) -> tuple[Path, Rule] | None:
    nested = [top.joinpath(*parts[:depth], ".gitignore") for depth in range(len(parts))]
    lists = [patterns_of(file) for file in nested]
    shared = [(file, patterns) for file in (exclude_file(top), own_file()) if (patterns := patterns_of(file))]
    for end in range(1, len(parts) + 1):  # every folder first: what lies in an ignored one cannot be taken out again
        is_folder = end < len(parts)
        asked = [(nested[depth], lists[depth], parts[depth:end]) for depth in reversed(range(end))]
        asked += [(file, patterns, parts[:end]) for file, patterns in shared]
        for file, patterns, below in asked:  # nearest first
            rule = patterns.decide("/".join(below), is_folder) if patterns else None
            if rule is not None:
                if rule.ignores:
                    return file, rule
                break
    return None


def exclude_file(top: Path) -> Path:
    """.git/info/exclude; in a worktree or submodule `.git` is a file that says where the repository lies."""
    git = top / ".git"
    try:
        if git.is_file():
            named = git.read_text("utf-8", "surrogateescape").removeprefix("gitdir:").strip()
            git = top / named
            common = git / "commondir"
            if common.is_file():
                git = git / common.read_text("utf-8", "surrogateescape").strip()
    except OSError as error:
        raise Unreadable(f"{git} cannot be read ({error.strerror})") from error
    return git / "info" / "exclude"


def own_file() -> Path:
    """Git's default for core.excludesFile."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "git" / "ignore"


def patterns_of(file: Path) -> PatternList | None:
    try:
        status = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise Unreadable(f"{file} cannot be read ({error})") from error
    if stat.S_ISDIR(status.st_mode):
        return None
    if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
        raise Unreadable(f"{file} is not a file of patterns of at most {MAX_BYTES // 1024} KiB")
    return _parsed(file, status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)


@lru_cache(maxsize=512)
def _parsed(file: Path, *_version: int) -> PatternList:
    """Parsed once for each version of the file."""
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES)
    except OSError as error:
        raise Unreadable(f"{file} cannot be read ({error.strerror})") from error
    text = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    return PatternList.of(text.split("\n"), IGNORE_CASE)
