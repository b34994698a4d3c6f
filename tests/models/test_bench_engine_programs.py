"""Programs of llama.cpp as the benchmark runs them; here scripts stand in for them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rung.models.bench.llama_bench import LlamaBench
from rung.models.bench.llama_server import LlamaServer
from rung.models.bench.setup import Setup
from rung.models.bench.work import BenchFailed

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path / "small.gguf", context=512, threads=2)


def script(folder: Path, *lines: str) -> Path:
    path = folder / "program"
    path.write_text("\n".join(("#!/bin/sh", *lines)) + "\n")
    path.chmod(0o755)
    return path


async def test_llama_bench_is_asked_for_one_rate_and_what_it_prints_beside_is_not_read(
    setup: Setup, tmp_path: Path
) -> None:
    said = tmp_path / "said"
    program = script(tmp_path, f'echo "$@" >{said}', "echo loading >&2", """echo '[{"avg_ts": 12.5}]'""")
    bench = LlamaBench(program, setup)
    assert await bench.evaluation(512) == 12.5
    assert said.read_text() == f"-m {setup.checkpoint} -t 2 -r 1 -o json -p 512 -n 0\n"
    assert await bench.decoding(64, depth=512) == 12.5
    assert said.read_text().endswith("-p 0 -n 64 -d 512\n")


async def test_the_last_words_of_a_llama_bench_that_fails_are_told(setup: Setup, tmp_path: Path) -> None:
    program = script(tmp_path, "echo first >&2", "echo no such model >&2", "exit 3")
    with pytest.raises(BenchFailed, match="ended with status 3: no such model"):
        await LlamaBench(program, setup).evaluation(512)


async def test_a_program_that_cannot_be_started_is_a_sentence(setup: Setup, tmp_path: Path) -> None:
    program = tmp_path / "none"
    with pytest.raises(BenchFailed, match="cannot be started"):
        await LlamaBench(program, setup).evaluation(512)
    server = LlamaServer(program, setup)
    with pytest.raises(BenchFailed, match="cannot be started"):
        await server.start()
    await server.close()


async def test_a_llama_server_that_ends_at_its_start_is_a_sentence(setup: Setup, tmp_path: Path) -> None:
    server = LlamaServer(script(tmp_path, "exit 7"), setup)
    with pytest.raises(BenchFailed, match="ended at its start with status 7"):
        await server.start()
    await server.close()
