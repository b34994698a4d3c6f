"""The reference solutions of the benchmarks pass their hidden tests within the sandbox."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from rung.cascade.sandbox import Limits, Sandbox

DATA = Path(os.environ.get("RUNG_DATA") or Path(__file__).resolve().parents[2].parent / "shared" / "data")
LIMITS = Limits(wall_s=60, test_s=30)
NOT_ITS_FAULT = {
    "MbppEval/56",  # it brings a `check` of its own, which that of the test replaces
}


def problems(name: str) -> list[dict[str, Any]]:
    path = DATA / f"{name}.jsonl.gz"
    if not path.exists():
        pytest.skip(f"{path} is not there; RUNG_DATA names the folder of the benchmarks")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


async def failures(sandbox: Sandbox, programs: dict[str, tuple[str, str]]) -> set[str]:
    """The names of those that do not pass; two run at once."""
    free = asyncio.Semaphore(2)

    async def passes(solution: str, test: str) -> bool:
        async with free:
            return (await sandbox.run([solution], [test], LIMITS)).passed()[0][0]

    passed = await asyncio.gather(*(passes(*program) for program in programs.values()))
    return {name for name, fine in zip(programs, passed, strict=True) if not fine}


@pytest.mark.real
async def test_all_of_humaneval_passes(sandbox: Sandbox) -> None:
    programs = {
        each["task_id"]: (
            each["prompt"] + each["canonical_solution"],
            f"{each['test']}\ncheck({each['entry_point']})\n",
        )
        for each in problems("HumanEval")
    }
    assert len(programs) == 164
    assert await failures(sandbox, programs) == set()


@pytest.mark.real
async def test_all_of_mbpp_that_passes_elsewhere_passes(sandbox: Sandbox) -> None:
    """The docstrings are left out, for their indentation is not that of the solutions."""
    programs = {
        each["task_id"]: (
            each["prompt"].split("    '''")[0] + each["canonical_solution"],
            f"import math\n{each['test']}\ncheck({each['entry_point']})\n",  # some tests lean on an import of nobody
        )
        for each in problems("mbpp_sanitized")
    }
    assert len(programs) == 427
    assert await failures(sandbox, programs) == NOT_ITS_FAULT
