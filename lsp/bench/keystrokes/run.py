"""The same stretches beside both tools, in turns on the same machine; then what the server answers by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from rung.cascade.bench.begin import Begin
from rung.cascade.bench.typing.figures import Replay
from rung.cascade.bench.typing.keys import Place
from rung.cascade.bench.typing.pauses import Hand
from rung.cascade.bench.typing.stretch import Stretch
from rung.lsp.bench.keystrokes import server_answers
from rung.lsp.bench.keystrokes.peer_server import PeerServer
from rung.lsp.bench.keystrokes.peer_side import PeerSide
from rung.lsp.bench.keystrokes.processor import processor_s
from rung.lsp.bench.keystrokes.project_copy import ProjectCopy
from rung.lsp.bench.keystrokes.replay import pauses_of, replay
from rung.lsp.bench.keystrokes.rung_side import RungSide
from rung.lsp.bench.keystrokes.side import Side
from rung.lsp.bench.serve_session import serving
from rung.models.bench.series import Series, turns
from rung.models.bench.setup import Setup
from rung.models.bench.tools import find_llama_server
from rung.models.bench.work import ContestantMissing

# Of an empty body one greedy text, as llama.vim's way has it; tests of it would take longer than any pause.
_K = 0


@dataclass(frozen=True, slots=True)
class Size:
    """requests: timed at the server, of each kind. idle_s: how long it is then watched doing nothing."""

    requests: int
    idle_s: float


@dataclass(slots=True)
class Run:
    """notes: what was left out or is to be known, a sentence each."""

    replays: list[Replay] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


async def run_keystrokes(
    setup: Setup, stretches: Sequence[Stretch], hands: Sequence[Hand], seed: int, size: Size, begin: Begin
) -> Run:
    """Raises BenchFailed."""
    run = Run()
    async with serving(setup, k=_K) as session:
        copy = await asyncio.to_thread(ProjectCopy, session.folder / "trees", stretches)
        async with _peers(setup, copy, seed, run) as peers:
            await _type([RungSide(session, copy), *peers], stretches, hands, seed, run, begin)
        if size.requests:
            run.series += await server_answers.measure(session, size.requests, size.idle_s, begin)
    return run


async def _type(
    sides: Sequence[Side], stretches: Sequence[Stretch], hands: Sequence[Hand], seed: int, run: Run, begin: Begin
) -> None:
    for number, stretch in enumerate(stretches):
        pauses = pauses_of(stretch, hands[number % len(hands)], seed + number)
        for side in turns(sides, number):
            others = [pid for other in sides if other is not side for pid in other.pids]
            on_key = begin(f"{stretch.name}, {side.name}", len(pauses))
            run.replays.append(await _measured(side, stretch, pauses, others, on_key))


async def _measured(
    side: Side, stretch: Stretch, pauses: Mapping[Place, float], others: Sequence[int], on_key: Callable[[], None]
) -> Replay:
    before = processor_s(others) if others else None
    found = await replay(side, stretch, pauses, on_key)
    after = processor_s(others) if others else None
    if before is not None and after is not None:
        found.other_share = (after - before) / found.seconds
    return found


@asynccontextmanager
async def _peers(setup: Setup, copy: ProjectCopy, seed: int, run: Run) -> AsyncIterator[list[PeerSide]]:
    try:
        server = PeerServer(find_llama_server(), setup)
    except ContestantMissing as missing:
        run.notes.append(str(missing))
        yield []
        return
    try:
        await server.start()
        yield [PeerSide(server, copy, seed)]
    finally:
        await server.close()
