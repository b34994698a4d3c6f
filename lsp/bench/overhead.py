"""What the server adds: from the request to the answer, less the seconds that the engine measured as its own."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rung.lsp.bench.serve_session import serving
from rung.models.bench.own_engine import NAME
from rung.models.bench.series import Series
from rung.models.bench.setup import Setup
from rung.models.bench.texts import real_code
from rung.models.bench.work import BenchFailed

OVERHEAD = "server's overhead of a request"
ANSWER = "answer to a request"
_KNOWN_LINES = 120
_WARM_UP = 5
_WORDS = re.compile(r"\s*\S+")


@dataclass(frozen=True, slots=True)
class Keystroke:
    """text: inserted at (line, column). asks: whether a completion is asked for behind it."""

    line: int
    column: int
    text: str
    asks: bool


async def measure(setup: Setup, requests: int, on_step: Callable[[], None]) -> list[Series]:
    """One value a request that the engine worked for, in ms. Raises BenchFailed.

    A user types a file of real code word by word and asks within each line. What the engine counts begins when a
    request reaches it in the worker and ends with its last token; all else is overhead: frames, JSON, documents, the
    ladder, the way to the worker and back, telemetry.
    """
    lines = real_code("argparse").split("\n")
    overheads: list[float] = []
    answers: list[float] = []
    async with serving(setup, k=-1) as session:
        uri = session.open("typed.py", "\n".join(lines[:_KNOWN_LINES]) + "\n")
        seen = ""
        for version, key in enumerate(_typing(lines[_KNOWN_LINES:], _KNOWN_LINES), 2):
            session.insert(uri, version, key.line, key.column, key.text)
            if not key.asks:
                continue
            began = time.perf_counter()
            await session.complete(uri, key.line, key.column + len(key.text))
            seconds = time.perf_counter() - began
            climb = await session.client.command("rung.explain")
            if climb.get("id") in (None, seen):
                continue  # there was nothing to complete
            seen = climb["id"]
            engine = _engine_seconds(climb)
            if engine is not None:
                overheads.append((seconds - engine) * 1000)
                answers.append(seconds * 1000)
                if len(overheads) > _WARM_UP:
                    on_step()
            if len(overheads) == requests + _WARM_UP:
                break
        else:
            raise BenchFailed(f"The typed file held only {len(overheads)} of {requests} requests.")
    return [
        Series(OVERHEAD, NAME, "ms", tuple(overheads[_WARM_UP:])),
        Series(ANSWER, NAME, "ms", tuple(answers[_WARM_UP:])),
    ]


def _engine_seconds(climb: dict[str, Any]) -> float | None:
    """None: the engine was not asked. Raises BenchFailed where it failed: that would not be the server's time."""
    for step in climb["steps"]:
        if step["decision"] in ("failed", "deadline"):
            raise BenchFailed(f"rung serve could not complete: {step['reason']}")
    seconds = sum(float(step["engine_seconds"]) for step in climb["steps"])
    return seconds if seconds > 0 else None


def _typing(lines: list[str], first: int) -> Iterator[Keystroke]:
    """Word by word; nobody asks at the end of a line, where often nothing is to be added."""
    for number, line in enumerate(lines, first):
        words = list(_WORDS.finditer(line))
        for at, word in enumerate(words):
            yield Keystroke(number, word.start(), word[0], at < len(words) - 1)
        yield Keystroke(number, words[-1].end() if words else 0, "\n", False)
