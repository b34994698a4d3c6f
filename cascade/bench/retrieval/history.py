"""What it is worth that files at hand count more: measured on the commits of a repository.

The files that a commit changed together stand for those that were edited in one session: a line that the commit added
to one of them is taken out, the others are open as the commit left them, and the rest is as it was before the commit.
"""

from __future__ import annotations

import random
import re
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from rung.cascade.bench.retrieval.holes import VISIBLE, Hole, hole_at
from rung.cascade.bench.retrieval.quality import LIMIT, Quality, quality
from rung.cascade.chunk import Chunk
from rung.cascade.retrieval.building import build
from rung.cascade.retrieval.documents import Change
from rung.cascade.retrieval.order import Order
from rung.cascade.retrieval.query import Query
from rung.cascade.retrieval.recent import Boosts
from rung.cascade.retrieval.search_thread import SearchThread

GIT_S = 60
HOLES = 6
"""Of a commit."""

MOST_FILES = 30
"""Of a commit that counts as one session."""

BOOSTS = (Boosts(1, 1, 1), Boosts(1.05, 1.1, 1.15), Boosts(1.1, 1.2, 1.3), Boosts(1.2, 1.5, 1.7))

_HUNK = re.compile(r"^@@ -\S+ \+(\d+)(?:,(\d+))? @@", re.MULTILINE)


class NoHistory(Exception):
    """A sentence that says why."""


@dataclass(frozen=True, slots=True)
class _Session:
    """files: path: (text after the commit, numbers of its added lines, 1-based)."""

    commit: str
    files: dict[str, tuple[str, list[int]]]


def boosted(root: Path, commits: int, folder: Path) -> list[Quality]:
    """For each of BOOSTS; of the last `commits` that changed more than one Python file. Raises NoHistory."""
    source = random.Random(1)
    found: dict[Boosts, list[tuple[Hole, Sequence[Chunk]]]] = {boosts: [] for boosts in BOOSTS}
    for number, session in enumerate(_sessions(root, commits)):
        tree, index = folder / f"commit-{number}", folder / f"commit-{number}.db"
        _unpack(root, f"{session.commit}^", tree)
        build(Order(str(tree.resolve()), (), str(index)), lambda progress: None)
        asked = list(_holes(session, source))
        for boosts, pairs in found.items():
            searching = SearchThread(tree.resolve(), (), index, boosts)
            pairs += [(hole, _searched(searching, session, hole)) for hole in asked]
            searching.index.close()
    return [
        quality(f"open × {b.opened}, edited × {b.edited}, at the edit × {b.near}", pairs) for b, pairs in found.items()
    ]


def _searched(searching: SearchThread, session: _Session, hole: Hole) -> tuple[Chunk, ...]:
    for path, (text, added) in session.files.items():
        searching.changed([Change(path, "", None) if path == hole.path else Change(path, text, added[0])])
    return searching.search(Query(hole.before, hole.after, hole.path, VISIBLE), LIMIT)


def _holes(session: _Session, source: random.Random) -> Iterator[Hole]:
    lines = [(path, line) for path, (_, added) in session.files.items() for line in added if line > 5]
    source.shuffle(lines)
    found = 0
    for path, line in lines:
        hole = hole_at(path, session.files[path][0].split("\n"), line - 1)
        if hole.wanted:
            yield hole
            found += 1
            if found == HOLES:
                return


def _sessions(root: Path, commits: int) -> Iterator[_Session]:
    """The last first."""
    for commit in _git(root, "log", "--no-merges", "--min-parents=1", "--format=%H").decode().split():
        if not commits:
            return
        named = _git(root, "diff", "--name-only", "--diff-filter=AM", "-z", f"{commit}^", commit, "--", "*.py")
        paths = [path for path in named.decode("utf-8", "replace").split("\0") if path]
        if 1 < len(paths) <= MOST_FILES:
            commits -= 1
            yield _Session(commit, {path: file for path in paths if (file := _added(root, commit, path))[1]})


def _added(root: Path, commit: str, path: str) -> tuple[str, list[int]]:
    text = _git(root, "show", f"{commit}:{path}").decode("utf-8", "replace")
    diff = _git(root, "diff", "-U0", f"{commit}^", commit, "--", path).decode("utf-8", "replace")
    return text, [
        line
        for first, length in _HUNK.findall(diff)
        for line in range(int(first), int(first) + int(length or 1))
        if line <= text.count("\n")
    ]


def _unpack(root: Path, commit: str, folder: Path) -> None:
    with tarfile.open(fileobj=BytesIO(_git(root, "archive", commit))) as archive:
        archive.extractall(folder, filter="data")


def _git(root: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, timeout=GIT_S, check=True)
    except FileNotFoundError:
        raise NoHistory("git is not installed, so that no commits can be looked at.") from None
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = (error.stderr or b"").decode("utf-8", "replace").strip()
        raise NoHistory(f"git cannot show the commits of {root}: {said or error}.") from None
    return done.stdout
