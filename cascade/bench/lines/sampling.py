"""Tasks from source trees: spread over packages, files and kinds, and the same for the same seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from rung.cascade.bench.data import DataMissing
from rung.cascade.bench.lines.case import Case, Cut, Kind
from rung.cascade.bench.lines.code import Stretch, read_code
from rung.cascade.bench.lines.cutting import place
from rung.cascade.bench.lines.tree import Tree, own_sources, source_text

IMPORTS = 0.05  # of a package's tasks at most
# Half of the tasks are lines, half are statements, a quarter of these at each cut.
_WEIGHTS = {(Kind.LINE, Cut.START): 4, **{(Kind.STATEMENT, cut): 1 for cut in Cut}}


def sample(trees: Sequence[Tree], count: int, seed: int) -> list[Case]:
    """`count` tasks, a package after the other in turns, so that no two that follow each other share a prompt.

    Raises DataMissing where the trees have fewer.
    """
    sources = [_cases(tree, Random(f"{seed}/{tree.name}")) for tree in trees]
    found: list[Case] = []
    while sources and len(found) < count:
        turn = [(cases, next(cases, None)) for cases in sources]
        found += [case for _, case in turn if case is not None]
        sources = [cases for cases, case in turn if case is not None]
    found = found[:count]
    if len(found) < count:
        names = ", ".join(tree.name for tree in trees)
        raise DataMissing(f"{names} gives {len(found)} tasks and not {count}: name more source trees.")
    return found


@dataclass(slots=True)
class _File:
    """left: what was not chosen yet, in a random order. taken: rows in which a task is."""

    package: str
    path: str
    source: str
    left: dict[Kind, list[Stretch]]
    taken: set[int] = field(default_factory=set)

    def take(self, kind: Kind, cut: Cut, random: Random, *, imports: bool) -> tuple[Case, Stretch] | None:
        """A task in rows where none is yet. imports: whether it may be an import."""
        for stretch in self.left[kind]:
            rows = range(stretch.rows[0], stretch.rows[1] + 1)
            if (stretch.imports and not imports) or not self.taken.isdisjoint(rows):
                continue
            at = place(self.source, stretch, cut, random)
            if at is None or not self.source[: at.offset].strip():
                continue
            self.left[kind].remove(stretch)
            self.taken.update(rows)
            before, truth = self.source[: at.offset], self.source[at.offset : stretch.end]
            begun, after = self.source[stretch.begin : at.offset], self.source[stretch.end :]
            return Case(self.package, self.path, kind, cut, at.inside, before, truth, after, begun), stretch
        return None


def _cases(tree: Tree, random: Random) -> Iterator[Case]:
    """One from each file, in a random order, then a second one, as long as there are any."""
    paths = own_sources(tree)
    random.shuffle(paths)
    files: dict[str, _File | None] = {}
    made: Counter[tuple[Kind, Cut]] = Counter()
    imports = 0
    while True:
        until_now = made.total()
        for path in paths:
            if path not in files:
                files[path] = _read(tree, path, random)
            file = files[path]
            for kind, cut in _scarcest_first(made) if file else ():
                assert file is not None
                allowed = imports + 1 <= IMPORTS * (made.total() + 1)
                if taken := file.take(kind, cut, random, imports=allowed):
                    made[kind, cut] += 1
                    imports += taken[1].imports
                    yield taken[0]
                    break
        if made.total() == until_now:
            return


def _scarcest_first(made: Counter[tuple[Kind, Cut]]) -> list[tuple[Kind, Cut]]:
    return sorted(_WEIGHTS, key=lambda each: made[each] / _WEIGHTS[each])


def _read(tree: Tree, path: str, random: Random) -> _File | None:
    source = source_text(tree.root / path)
    code = read_code(source) if source else None
    if code is None:
        return None
    lines, statements = list(code.lines), list(code.statements)
    random.shuffle(lines)
    random.shuffle(statements)
    return _File(tree.name, path, code.source, {Kind.LINE: lines, Kind.STATEMENT: statements})
