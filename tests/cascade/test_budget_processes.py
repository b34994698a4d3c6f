"""Several servers spend from one ledger."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rung.cascade.budget import Budget, Limits, Spent
from rung.cascade.telemetry import Database

USD = 0.001

SPEND = """
import asyncio, json, os, sys
from pathlib import Path
from rung.cascade.budget import Budget, Limits, Refusal
from rung.cascade.telemetry import Database
from rung.models.protocol import Usage

async def spend(path, limits, moves):
    database = Database(Path(path))
    budget = Budget(database, Limits(**limits), Path("/project"))
    await budget.spent()
    print("ready", flush=True)
    sys.stdin.readline()
    for number, (tokens, share, end) in enumerate(moves):
        name = f"{os.getpid()}-{number}"
        reservation = await budget.reserve(name, "large", tokens=tokens, usd=tokens * 0.001, expires_s=60)
        if isinstance(reservation, Refusal):
            print(json.dumps([0, reservation.reason]), flush=True)
            continue
        counted = tokens * share // 100
        if end == "settle":
            await reservation.settle(Usage(prompt=counted), counted * 0.001)
        elif end == "release":
            await reservation.release()
        print(json.dumps([{"settle": counted, "release": 0, "crash": tokens}[end], ""]), flush=True)
        if end == "crash":
            os._exit(1)
    await database.close()

asyncio.run(spend(sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])))
"""

moves = st.lists(
    st.tuples(
        st.integers(1, 400),
        st.integers(0, 100),
        st.sampled_from(["settle"] * 4 + ["release", "crash"]),
    ),
    min_size=5,
    max_size=25,
)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
@given(st.lists(moves, min_size=3, max_size=3), st.integers(500, 4000))
def test_processes_together_never_exceed_the_limit_and_every_token_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, plans: list[list[tuple[int, int, str]]], limit: int
) -> None:
    path = tmp_path_factory.mktemp("ledger") / "rung.db"
    limits = {"tokens_per_day": limit, "usd_per_day": limit * USD}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SPEND, path, json.dumps(limits), json.dumps(plan)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for plan in plans
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    spent = 0
    for process in processes:
        output, errors = process.communicate(timeout=60)
        assert not errors
        for tokens, reason in map(json.loads, output.splitlines()):
            spent += tokens
            assert not reason or "are left of this project's" in reason, reason
    assert spent <= limit
    total = spent_in(path, limits)
    assert total.tokens_today == spent
    assert round(total.usd_today / USD) == spent


def spent_in(path: Path, limits: dict[str, float]) -> Spent:
    async def spent() -> Spent:
        database = Database(path)
        total = await Budget(database, Limits(**limits), Path("/project")).spent()  # type: ignore[arg-type]
        await database.close()
        assert total is not None
        return total

    return asyncio.run(spent())
