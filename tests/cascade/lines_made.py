"""Made-up source trees, cases, models and searches for the tests of `rung bench lines`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rung.cascade.bench.lines.case import Case, Cut, Kind
from rung.cascade.bench.lines.journal import Header
from rung.cascade.bench.lines.tree import Tree
from rung.cascade.chunk import Chunk
from rung.cascade.task import Task
from rung.models.protocol import FinishReason, Generation, OnSample, OnToken, Prompt, Sampling, Token, Usage

HEADER = Header("small sha256 a", "large sha256 b", "2 threads", "rung 0")


def module(number: int) -> str:
    """Python with lines and statements of many kinds."""
    return (
        f'"""Module {number}."""\n\nimport os\nfrom json import (\n    dumps,\n    loads,\n)\n\n\n'
        f"def run_{number}(value, other):\n"
        f'    """What it does,\n    in two lines."""\n'
        + "".join(f"    total_{at} = compute(value, other) + {at}  \n    # {at}\n" for at in range(6))
        + f"    results = combine(\n        value,\n        total_{number % 6},\n    )\n"
        + "    if results is None:  # a comment\n        return None; pass\n"
        + "    while results.ready(other):\n        results = dumps(loads(results))\n    return results\n"
    )


def tree(folder: Path, name: str, files: int) -> Tree:
    root = folder / name
    (root / "tests").mkdir(parents=True)
    for number in range(files):
        (root / f"module_{number}.py").write_text(module(number), encoding="utf-8")
    (root / "tests" / "test_all.py").write_text(module(99), encoding="utf-8")
    return Tree(name, root)


def case(truth: str, *, kind: Kind = Kind.STATEMENT, begun: str = "", package: str = "p", path: str = "m.py") -> Case:
    return Case(package, path, kind, Cut.START, False, f"x = 1\n{begun}", truth, "\ny = 2\n", begun)


@dataclass
class Scripted:
    """A model that writes `text`, a token for each word, at 0.1 s for the prompt and 0.01 s a token."""

    text: str
    probability: float = 0.5
    name: str = "scripted"
    calls: list[tuple[Prompt, Sampling]] = field(default_factory=list)

    async def generate(
        self,
        prompt: Prompt,
        sampling: Sampling,
        on_token: OnToken | None = None,
        on_sample: OnSample | None = None,
    ) -> list[Generation]:
        self.calls.append((prompt, sampling))
        words = self.text.split(" ")
        pieces = [word + " " for word in words[:-1]] + words[-1:]
        tokens = tuple(Token(piece, math.log(self.probability)) for piece in pieces)
        for token in tokens if on_token else ():
            assert on_token is not None
            on_token(0, token)
        usage = Usage(prompt=10, generated=len(tokens))
        return [Generation(self.text, tokens, FinishReason.STOP, usage, 0.1 + 0.01 * len(tokens))]

    async def close(self) -> None: ...


@dataclass
class Finding:
    """Finds whatever stands in the folder while it is asked."""

    root: Path
    asked: list[Task] = field(default_factory=list)

    async def retrieve(self, task: Task) -> tuple[Chunk, ...]:
        self.asked.append(task)
        return tuple(self._chunks())

    async def retrieve_again(self, task: Task) -> tuple[Chunk, ...]:
        self.asked.append(task)
        return tuple(reversed(self._chunks()))

    async def changed(self, path: Path) -> None:
        assert path.is_relative_to(self.root)

    def _chunks(self) -> Sequence[Chunk]:
        return [
            Chunk(path.relative_to(self.root).as_posix(), 1, path.read_text(encoding="utf-8"))
            for path in sorted(self.root.rglob("*.py"))
        ]
