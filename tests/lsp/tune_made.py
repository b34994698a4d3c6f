"""A small set of problems with recordings of two rungs, made up: the small one solves some, the large one most."""

from __future__ import annotations

import json
from pathlib import Path

from rung.cascade.bench.sets import problem_set
from rung.cascade.tune.journal import journal
from rung.cascade.tune.recording import Entry, Header, Part, Sample
from rung.models.price import Price

PROBLEMS = 12
K = 3


def write_set(folder: Path) -> Path:
    """`ours.jsonl`: add 0, add 1, …"""
    path = folder / "ours.jsonl"
    rows = [
        {
            "id": f"add/{number}",
            "prompt": f'def add_{number}(x):\n    """Add {number} to x."""\n',
            "tests": f"assert add_{number}(1) == {number + 1}\nassert add_{number}(5) == {number + 5}\n",
        }
        for number in range(PROBLEMS)
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def write_recording(folder: Path, problems: Path, rung: str, right_of_three: int, price: float) -> Path:
    """right_of_three: of each three problems, so many are solved; the rung's test lines are right then."""
    found = problem_set(str(problems))
    header = Header("ours", PROBLEMS, found.digest, rung, rung, K, 4, True, 0.8, 256, 40, Price(0.0, price), 0)
    path = folder / "ours" / f"{rung}.jsonl"
    with journal(path, header) as opened:
        for number, problem in enumerate(found.problems):
            right = number % 3 < right_of_three
            solution = f"    return x + {number if right else number + 1}\n"
            test = f" add_{number}(2) == {number + 2}\nassert add_{number}(3) == {number + 3}"
            for part in header.parts:
                text = test if part.of_tests else solution
                samples = tuple(_sample(text) for _ in range(1 if part.greedy else K))
                opened.append(Entry(problem.id, part, samples, 0.0, 1.0))
    return path


def complete_parts(path: Path) -> set[tuple[str, Part]]:
    """What a recording holds."""
    from rung.cascade.tune.recording import read

    return set(read(path).entries)


def _sample(text: str) -> Sample:
    tokens = tuple(text[at : at + 4] for at in range(0, len(text), 4))
    return Sample(text, tokens, (-0.1,) * len(tokens), "stop", 0, len(tokens), True, 1.0)
