"""`rung bench engine`, one short round of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rung.models.bench.children import raw_llama
from rung.models.bench.own_engine import OwnEngine
from rung.models.bench.setup import Setup
from rung.models.bench.work import Answer, Work

from .llama_folder import workers

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

RUNG = [sys.executable, "-c", "from rung.lsp.cli import main; main()", "bench", "engine"]


# How threads wait, and how many there are.
WAITING = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def bench(checkpoint: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RUNG, str(checkpoint), "--quick", "--threads", "2", *arguments], capture_output=True, text=True, timeout=600
    )


def environment_of(pid: int | None) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(line.split("=", 1) for line in lines if "=" in line)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_short_round_measures_everything_and_leaves_no_process(smollm2: Path, tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    measured = ("evaluation", "decoding", "first-token", "memory", "overhead")
    ended = bench(smollm2, "--json", str(file), *(f"--only={name}" for name in measured))
    assert ended.returncode == 0, ended.stderr
    assert "| decoding, 10 sequences, tokens/s" in ended.stdout
    found = json.loads(file.read_text())["checkpoints"][str(smollm2)]
    assert all(value > 0 for series in found["series"] for value in series["values"] if series["unit"] != "tokens")
    assert {"rung", "raw llama.cpp", "llama-cpp-python"} <= {series["contestant"] for series in found["series"]}
    unmeasured = [target["claim"] for target in found["targets"] if target["measured"] is None]
    assert unmeasured == ["k = 10 solutions over one"]
    assert workers(Path("rung-bench-")) == []


def test_a_checkpoint_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    ended = bench(tmp_path / "none.gguf")
    assert ended.returncode == 1
    assert "cannot be read" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_file_that_cannot_be_written_is_told_before_anything_is_measured(smollm2: Path, tmp_path: Path) -> None:
    ended = bench(smollm2, "--json", str(tmp_path / "none" / "figures.json"))
    assert ended.returncode == 1
    assert "cannot be written" in ended.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="environments are read from /proc")
async def test_raw_llama_has_the_same_prompt_and_environment_as_rung(smollm2: Path) -> None:
    """One token more at most, which rung heals."""
    setup = Setup(smollm2, context=512, threads=2)
    worker = {}
    answers: list[Answer] = []
    for contestant in (OwnEngine(setup), raw_llama(setup)):
        await contestant.start()
        try:
            if isinstance(contestant, OwnEngine):
                worker = environment_of(contestant.model.worker_pid)
            answers.append(await contestant.ask(Work("def add(a, b):\n    return a", 4, sequences=3)))
        finally:
            await contestant.close()
    own, raw = answers
    assert {name: worker.get(name) for name in WAITING} == {name: setup.environment().get(name) for name in WAITING}
    assert own.prompt <= raw.prompt <= own.prompt + 1
    assert raw.generated == 12
    assert own.shortest <= 4
    assert raw.seconds >= raw.first_token_s > 0
