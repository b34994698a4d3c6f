"""One checkpoint, every contestant that is here, the measurements that were asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from rung.cascade.bench.begin import Begin
from rung.lsp.bench import overhead, serve_memory
from rung.models.bench import decoding, drafting, evaluation, first_token, solutions, worker_memory
from rung.models.bench.children import raw_llama, wrapper_llama
from rung.models.bench.drafting import LinePrompt
from rung.models.bench.llama_bench import LlamaBench
from rung.models.bench.llama_server import LlamaServer
from rung.models.bench.own_engine import OwnEngine
from rung.models.bench.series import Series
from rung.models.bench.setup import Setup
from rung.models.bench.solutions import SolutionPrompt
from rung.models.bench.texts import Texts
from rung.models.bench.tools import find_llama_bench, find_llama_server
from rung.models.bench.work import Contestant, ContestantMissing, Work

_SEED = 1


class Measurement(StrEnum):
    EVALUATION = "evaluation"
    DECODING = "decoding"
    FIRST_TOKEN = "first-token"
    SOLUTIONS = "solutions"
    DRAFTS = "drafts"
    MEMORY = "memory"
    OVERHEAD = "overhead"


_SIDE_BY_SIDE = {Measurement.EVALUATION, Measurement.DECODING, Measurement.FIRST_TOKEN, Measurement.SOLUTIONS}


@dataclass(frozen=True, slots=True)
class Size:
    """rounds: in each of which every contestant has a turn. tokens: decoded by each sequence. problems: of HumanEval.

    prompt, long_prompt: tokens before them, for the rates and for the time to the first token.
    solution_tokens: at most; None as the ladder asks. lines: of each kind, with and without drafts.
    requests: to the server. context: tokens.
    """

    rounds: int
    prompt: int
    long_prompt: int
    tokens: int
    problems: int
    solution_tokens: int | None
    lines: int
    requests: int
    context: int


FULL = Size(
    rounds=5,
    prompt=512,
    long_prompt=1000,
    tokens=64,
    problems=8,
    solution_tokens=None,
    lines=60,
    requests=400,
    context=4096,
)
QUICK = Size(
    rounds=1, prompt=64, long_prompt=128, tokens=8, problems=1, solution_tokens=24, lines=3, requests=6, context=512
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The prompts that come from public problems. lines: by what they are of."""

    solutions: Sequence[SolutionPrompt]
    lines: Mapping[str, Sequence[LinePrompt]]


@dataclass(slots=True)
class Run:
    """notes: what was left out, a sentence each."""

    series: list[Series] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


async def run_engine(setup: Setup, wanted: Collection[Measurement], size: Size, asked: Asked, begin: Begin) -> Run:
    """Raises BenchFailed."""
    run = Run()
    if _SIDE_BY_SIDE & set(wanted):
        async with _contestants(setup, run) as (contestants, llama_bench):
            run.series += await _side_by_side(contestants, llama_bench, wanted, size, asked, begin)
    if Measurement.DRAFTS in wanted:
        run.series += await drafting.measure(setup, asked.lines, begin("drafts", drafting.steps(asked.lines)))
    if Measurement.MEMORY in wanted:
        run.series += await _memory(setup, run, begin)
    if Measurement.OVERHEAD in wanted:
        run.series += await overhead.measure(setup, size.requests, begin("overhead of rung serve", size.requests))
    return run


async def _side_by_side(
    contestants: Sequence[Contestant],
    llama_bench: LlamaBench | None,
    wanted: Collection[Measurement],
    size: Size,
    asked: Asked,
    begin: Begin,
) -> list[Series]:
    texts = await _calibrated(contestants, size.long_prompt)
    series: list[Series] = []
    if Measurement.EVALUATION in wanted:
        step = begin("prompt evaluation", evaluation.steps(contestants, llama_bench, size.rounds))
        series += await evaluation.measure(contestants, llama_bench, texts, size.rounds, size.prompt, step)
    if Measurement.DECODING in wanted:
        step = begin("decoding", decoding.steps(contestants, llama_bench, size.rounds))
        series += await decoding.measure(contestants, llama_bench, texts, size.rounds, size.prompt, size.tokens, step)
    if Measurement.FIRST_TOKEN in wanted:
        step = begin("first token", first_token.steps(contestants, size.rounds))
        series += await first_token.measure(contestants, texts, size.rounds, size.long_prompt, step)
    if Measurement.SOLUTIONS in wanted:
        step = begin("solutions", solutions.steps(contestants, asked.solutions))
        series += await solutions.measure(contestants, asked.solutions, step)
    return series


async def _memory(setup: Setup, run: Run, begin: Begin) -> list[Series]:
    step = begin("memory", 2)
    try:
        worker = await worker_memory.measure(setup, Texts(_SEED))
        step()
        together = await serve_memory.measure(setup)
        step()
    except ContestantMissing as missing:
        run.notes.append(str(missing))
        return []
    return [*worker, *together]


@asynccontextmanager
async def _contestants(setup: Setup, run: Run) -> AsyncIterator[tuple[list[Contestant], LlamaBench | None]]:
    contestants: list[Contestant] = [OwnEngine(setup), raw_llama(setup), wrapper_llama(setup)]
    llama_bench = None
    try:
        contestants.append(LlamaServer(find_llama_server(), setup))
    except ContestantMissing as missing:
        run.notes.append(str(missing))
    try:
        llama_bench = LlamaBench(find_llama_bench(), setup)
    except ContestantMissing as missing:
        run.notes.append(str(missing))
    async with AsyncExitStack() as stack:
        for contestant in contestants:
            stack.push_async_callback(contestant.close)
            await contestant.start()
        yield contestants, llama_bench


async def _calibrated(contestants: Sequence[Contestant], tokens: int) -> Texts:
    """Texts by tokens; and every contestant has run once, so that nobody's first turn pays for pages not read yet."""
    texts = Texts(_SEED)
    text = texts.fresh(tokens)
    for contestant in contestants:
        answer = await contestant.ask(Work(text, 2))
        texts.calibrated(answer.prompt, len(text))
    return texts
