"""The memory of `rung serve` and its worker together, after lines and a function were completed in a long file."""

from __future__ import annotations

from rung.lsp.bench.serve_session import INVOKED, serving
from rung.models.bench.own_engine import NAME
from rung.models.bench.resident import Resident, resident
from rung.models.bench.series import Rounds, Series
from rung.models.bench.setup import Setup
from rung.models.bench.texts import real_code
from rung.models.bench.work import BenchFailed
from rung.models.bench.worker_memory import MB

SERVER = "memory of rung serve (RSS)"
TOGETHER = "memory of rung serve and its worker (RSS)"
TOGETHER_PSS = "the same, shared pages divided (PSS)"
_FUNCTION = '\n\ndef average(numbers):\n    """Return the mean of the numbers, 0 for none."""\n'
_SOLUTIONS = 3  # what rung takes where nothing is configured


async def measure(setup: Setup) -> list[Series]:
    """Raises BenchFailed, and ContestantMissing where the system does not tell."""
    text = real_code("argparse") + _FUNCTION
    last = text.count("\n")
    async with serving(setup, k=_SOLUTIONS) as session:
        uri = session.open("long.py", text)
        await session.complete(uri, last, 0, INVOKED)  # its prompt fills the context
        for line in range(20, last, last // 10):
            await session.complete(uri, line, 8)
        worker = await session.worker()
        if worker is None:
            raise BenchFailed("rung serve has no worker at the end of the measurement of memory.")
        found = {
            SERVER: resident(session.client.pid, setup.checkpoint),
            "worker": resident(worker, setup.checkpoint),
        }
    together: Resident = found[SERVER] + found["worker"]
    values = Rounds()
    values.add(SERVER, NAME, "MB", found[SERVER].rss / MB)
    values.add(TOGETHER, NAME, "MB", together.rss / MB)
    values.add(TOGETHER_PSS, NAME, "MB", together.pss / MB)
    return values.series()
