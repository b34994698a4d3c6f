"""`rung tune` with a real checkpoint, a real sandbox and a real server, killed in the middle of its work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rung.cascade.sandbox import Sandbox, SandboxUnavailable
from rung.cascade.tune import results
from rung.cascade.tune.recording import Recording, read

from ..lsp.tune_made import write_recording, write_set
from ..servers import llama_server

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

_MAIN = "from rung.lsp.cli.main import main; main()"
_WAIT_S = 120.0


@pytest.fixture(autouse=True)
def sandbox() -> None:
    try:
        Sandbox.find()
    except SandboxUnavailable as error:
        pytest.skip(str(error))


class Place:
    """A folder with a configuration and twelve small problems."""

    def __init__(self, folder: Path, ladder: str) -> None:
        self.folder = folder
        self.problems = write_set(folder)
        (folder / "config.yaml").write_text(
            f"ladder:\n{ladder}tune:\n  sets:\n    ours: {self.problems.name}\n", encoding="utf-8"
        )

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", _MAIN, "tune", *arguments, "--set", "ours"],
            cwd=self.folder,
            env=os.environ | {"RUNG_CONFIG": str(self.folder / "config.yaml")},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def finish(self, *arguments: str) -> str:
        with self.begin(*arguments) as process:
            out, err = process.communicate(timeout=240)
        assert process.returncode == 0, err
        return out

    def killed(self, *arguments: str, when: Callable[[], bool]) -> None:
        """With SIGKILL, as soon as `when`; it must not have been done by then."""
        with self.begin(*arguments) as process:
            begun = time.monotonic()
            while not when():
                assert process.poll() is None, process.stderr.read() if process.stderr else ""
                assert time.monotonic() - begun < _WAIT_S
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def texts(recording: Recording) -> dict[tuple[str, str], list[object]]:
    """All but the seconds, which no two recordings share."""
    return {
        (problem, str(part)): [replace(sample, seconds=0.0) for sample in entry.samples]
        for (problem, part), entry in recording.entries.items()
    }


def test_a_recording_that_was_killed_goes_on_to_the_same_texts(tmp_path: Path, smollm2: Path) -> None:
    place = Place(tmp_path, f"  - name: small\n    checkpoint: {smollm2}\n")
    arguments = ("record", "--problems", "2", "--k", "3")
    place.finish(*arguments, "--in", "whole")
    path = tmp_path / "parts" / "ours" / "small.jsonl"
    for wanted in (2, 5, 7):
        place.killed(*arguments, "--in", "parts", when=lambda wanted=wanted: lines(path) >= wanted)  # type: ignore[misc]
    assert lines(path) < 9
    place.finish(*arguments, "--in", "parts")
    whole, parts = read(tmp_path / "whole" / "ours" / "small.jsonl"), read(path)
    assert parts.header == whole.header
    assert texts(parts) == texts(whole)
    assert len(whole.entries) == 8


def test_running_that_was_killed_goes_on_to_the_same_study(tmp_path: Path) -> None:
    place = Place(tmp_path, "  - {name: small, checkpoint: smollm2-135m}\n")
    for folder in ("whole", "parts"):
        write_recording(tmp_path / folder, place.problems, "small", 1, 0.5)
        write_recording(tmp_path / folder, place.problems, "large", 2, 16.0)
    place.finish("run", "--splits", "5", "--in", "whole")
    executed = tmp_path / "parts" / "executed.sqlite-wal"
    for size in (40_000, 120_000):
        place.killed(
            *("run", "--splits", "5", "--in", "parts"),
            when=lambda size=size: executed.exists() and executed.stat().st_size > size,  # type: ignore[misc]
        )
    assert not (tmp_path / "parts" / "ours" / "study.json").exists()
    place.finish("run", "--splits", "5", "--in", "parts")
    whole, parts = (results.read(tmp_path / folder / "ours" / "study.json") for folder in ("whole", "parts"))
    assert replace(parts.study, seconds=0.0) == replace(whole.study, seconds=0.0)


@pytest.fixture
def four_slots(llama_server_program: str, smollm2: Path, tmp_path: Path) -> Iterator[str]:
    options = ("-t", "2", "-c", "8192", "-np", "4")
    with llama_server(llama_server_program, smollm2, tmp_path / "server.log", *options) as server:
        yield server.url


def test_a_server_is_recorded_with_several_problems_in_flight(tmp_path: Path, four_slots: str) -> None:
    price = "price: {input: 1, output: 2}"
    place = Place(tmp_path, f"  - name: far\n    url: {four_slots}\n    model: any\n    {price}\n")
    place.finish("record", "--problems", "2", "--k", "2", "--flight", "3")
    recording = read(tmp_path / "tune" / "ours" / "far.jsonl")
    assert len(recording.entries) == 8
    for entry in recording.entries.values():
        assert sum(sample.generated for sample in entry.samples) > 0
        assert entry.usd > 0


def test_from_recording_to_a_configuration_with_one_checkpoint(tmp_path: Path, smollm2: Path) -> None:
    place = Place(tmp_path, f"  - name: small\n    checkpoint: {smollm2}\n")
    place.finish("record", "--problems", "4", "--k", "3")
    out = place.finish("run", "--splits", "3", "--usd-per-hour", "0.05")
    assert "Each rung alone" in out
    study = json.loads((tmp_path / "tune" / "ours" / "study.json").read_text(encoding="utf-8"))
    assert study["rungs"][0]["price"]["output_usd"] > 0
    out = place.finish("speculate", "--draft", "small", "--target", "small", "--problems", "2")
    assert "of small's tokens were drafted right" in out
    assert "and 0 of 2 were other texts" in out
    place.finish("report")
    assert "speculative, small for small" in (tmp_path / "tune" / "ours" / "report.html").read_text(encoding="utf-8")
    out = place.finish("apply", "--budget", "1000", "--yes")
    assert "is written" in out
