"""What other programs say: llama-bench's JSON, llama-server's last event, the kernel's list of mappings."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.models.bench.llama_bench import rate_in
from rung.models.bench.llama_server import Counts, counts_in
from rung.models.bench.resident import Resident, read_smaps, resident
from rung.models.bench.tools import VARIABLE, find_llama_bench, find_llama_server
from rung.models.bench.work import BenchFailed, ContestantMissing

SMAPS = """\
7f0000000000-7f0006000000 r--s 00000000 08:01 42                         /models/small model.gguf
Size:              98304 kB
Rss:               90000 kB
Pss:               45000 kB
Pss_Dirty:             0 kB
VmFlags: rd mr mw me ms
7f1000000000-7f1000100000 rw-p 00000000 00:00 0
Rss:                 700 kB
Pss:                 700 kB
7f2000000000-7f2000100000 r-xp 00000000 08:01 43                         /lib/libpython3.so
Rss:                 300 kB
Pss:                 100 kB
"""


def bench_output(**fields: Any) -> bytes:
    return json.dumps([{"n_prompt": 512, "n_gen": 0, "avg_ts": 333.5, "samples_ts": [333.5], **fields}]).encode()


def test_the_rate_is_read_from_llama_benchs_json() -> None:
    assert rate_in(bench_output()) == 333.5


@pytest.mark.parametrize("output", [b"", b"{}", b"[]", b"[1]", b"[{}]", b"[{}, {}]", bench_output(avg_ts="fast")])
def test_anything_else_of_llama_bench_is_a_sentence(output: bytes) -> None:
    with pytest.raises(BenchFailed, match="llama-bench said"):
        rate_in(output)


@given(st.binary(max_size=60))
def test_no_bytes_of_llama_bench_break_the_reader(output: bytes) -> None:
    with pytest.raises(BenchFailed):
        rate_in(output)


def test_the_counts_are_read_from_llama_servers_last_event() -> None:
    timings = {"cache_n": 900, "prompt_n": 100, "predicted_n": 64, "predicted_ms": 500.0}
    assert counts_in({"stop": True, "timings": timings}) == Counts(prompt=1000, cached=900, generated=64)


@pytest.mark.parametrize("last", [{}, {"timings": None}, {"timings": {"cache_n": 1}}, [], None])
def test_a_sequence_that_ends_without_counts_is_a_sentence(last: Any) -> None:
    with pytest.raises(BenchFailed, match="without its counts"):
        counts_in(last)


def test_mapped_weights_are_told_from_the_rest() -> None:
    found = read_smaps(SMAPS.splitlines(), Path("/models/small model.gguf"))
    assert found == Resident(rss=91000 * 1024, pss=45800 * 1024, weights=90000 * 1024)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc/PID/smaps")
def test_a_process_holds_memory_and_no_more_is_private_than_resident() -> None:
    found = resident(os.getpid(), Path("/none.gguf"))
    assert 5e6 < found.pss <= found.rss
    assert found.weights == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc/PID/smaps")
def test_a_process_that_is_gone_is_told_from_a_system_that_does_not_tell() -> None:
    with pytest.raises(ProcessLookupError):
        resident(2**22 + 1, Path("/none.gguf"))


def test_tools_that_are_not_here_are_left_out_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(VARIABLE, raising=False)
    for find in (find_llama_server, find_llama_bench):
        with pytest.raises(ContestantMissing, match="left out"):
            find()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none"))
    with pytest.raises(ContestantMissing, match="is no program"):
        find_llama_server()


def test_llama_bench_is_the_one_beside_llama_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("llama-server", "llama-bench"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "llama-server"))
    assert find_llama_bench() == tmp_path / "llama-bench"
