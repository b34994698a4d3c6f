"""The memory of rung's worker, with its context full and ten sequences on top."""

from __future__ import annotations

from rung.models.bench.own_engine import NAME, OwnEngine
from rung.models.bench.resident import resident
from rung.models.bench.series import Rounds, Series
from rung.models.bench.setup import Setup
from rung.models.bench.texts import Texts
from rung.models.bench.work import BenchFailed, Work

QUANTITY = "memory of the worker (RSS)"
WEIGHTS = "of it weights mapped from the checkpoint"
MB = 1e6
_SEQUENCES = 10
_TOKENS = 32


async def measure(setup: Setup, texts: Texts) -> list[Series]:
    """Raises BenchFailed, and ContestantMissing where the system does not tell."""
    engine = OwnEngine(setup)
    try:
        await engine.start()
        for sequences in (1, _SEQUENCES):
            await engine.ask(Work(texts.fresh(setup.context - 256), _TOKENS, sequences))
        pid = engine.model.worker_pid
        if pid is None:
            raise BenchFailed("rung's worker is gone at the end of the measurement of its memory.")
        found = resident(pid, setup.checkpoint)
    finally:
        await engine.close()
    values = Rounds()
    values.add(QUANTITY, NAME, "MB", found.rss / MB)
    values.add(WEIGHTS, NAME, "MB", found.weights / MB)
    return values.series()
