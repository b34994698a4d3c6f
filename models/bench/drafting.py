"""Lines with and without drafts from the context: the same greedy text, sooner."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from rung.models.bench.own_engine import NAME, OwnEngine
from rung.models.bench.series import Series
from rung.models.bench.setup import Setup
from rung.models.bench.work import BenchFailed
from rung.models.protocol import Generation, ModelError, Prompt, Sampling


@dataclass(frozen=True, slots=True)
class LinePrompt:
    """As the ladder asks for a line, greedy."""

    prompt: Prompt
    sampling: Sampling


@dataclass(frozen=True, slots=True)
class Timed:
    seconds: float
    generation: Generation


def speed_up(kind: str) -> str:
    return f"drafts: speed-up, lines of {kind}"


def differing(kind: str) -> str:
    return f"drafts: other texts, lines of {kind}"


def steps(lines: Mapping[str, Sequence[LinePrompt]]) -> int:
    return sum(map(len, lines.values()))


async def measure(setup: Setup, lines: Mapping[str, Sequence[LinePrompt]], on_step: Callable[[], None]) -> list[Series]:
    """lines: by what they are of. The prompt is evaluated before, as it is while a user types. Raises BenchFailed."""
    drafting, plain = OwnEngine(setup, exact=True), OwnEngine(setup, exact=True, drafts=False)
    series: list[Series] = []
    try:
        for engine in (drafting, plain):
            await engine.start()
        for kind, prompts in lines.items():
            pairs = []
            for number, line in enumerate(prompts):
                order = (drafting, plain) if number % 2 == 0 else (plain, drafting)
                timed = {engine: await _timed(engine, line) for engine in order}
                pairs.append((timed[drafting], timed[plain]))
                on_step()
            series += series_of(kind, pairs)
    finally:
        await drafting.close()
        await plain.close()
    return series


def series_of(kind: str, pairs: Sequence[tuple[Timed, Timed]]) -> list[Series]:
    """pairs: with drafts, and without."""
    used = [timed.generation.usage for timed, _ in pairs]
    seconds = [(timed.seconds, plain.seconds) for timed, plain in pairs]
    ratio = sum(plain for _, plain in seconds) / sum(drafted for drafted, _ in seconds)
    differ = sum(timed.generation.text != plain.generation.text for timed, plain in pairs)
    counts = {
        "generated": sum(usage.generated for usage in used),
        "drafted and right": sum(usage.accepted_draft for usage in used),
        "drafted and wrong": sum(usage.rejected_draft for usage in used),
    }
    return [
        Series(speed_up(kind), NAME, "×", (ratio,)),
        Series(differing(kind), NAME, "texts", (differ,)),
        Series(f"drafts: a line of {kind}", NAME, "ms", tuple(drafted * 1000 for drafted, _ in seconds)),
        Series(f"drafts: without, a line of {kind}", NAME, "ms", tuple(plain * 1000 for _, plain in seconds)),
        *(Series(f"drafts: {what}, lines of {kind}", NAME, "tokens", (count,)) for what, count in counts.items()),
    ]


async def _timed(engine: OwnEngine, line: LinePrompt) -> Timed:
    try:
        await engine.model.generate(line.prompt, replace(line.sampling, max_tokens=1))
        began = time.perf_counter()
        (generation,) = await engine.model.generate(line.prompt, line.sampling)
        return Timed(time.perf_counter() - began, generation)
    except ModelError as error:
        raise BenchFailed(str(error)) from None
