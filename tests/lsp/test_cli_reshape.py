"""`rung models quantize` and `rung models trim`, run as users run them."""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import pytest

_made = runpy.run_path(str(Path(__file__).parents[1] / "models" / "reshape_made.py"))


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RUNG_MODELS_DIR", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture
def whole(tmp_path: Path) -> str:
    (tmp_path / "code.py").write_text(_made["CODE"], encoding="utf-8")
    return str(_made["sentencepiece"](tmp_path / "whole.gguf"))


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from rung.lsp.cli.models import app; app()", *arguments]


def _run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(*arguments), capture_output=True, text=True, timeout=60, check=False, env=os.environ | variables
    )


def test_a_trimmed_and_quantized_checkpoint_is_listed_with_what_it_was_made_of(
    whole: str, tmp_path: Path, store: Path
) -> None:
    corpus = str(tmp_path / "code.py")
    trimmed = _run("trim", whole, "--corpus", corpus, "--min-count", "1", "--as", "small")
    assert trimmed.stdout.startswith(f"small is here: {store / 'small.gguf'} (")
    assert "100.00% of the tokens in 1 files of the corpus are among them" in trimmed.stdout
    assert "counting tokens, done" in trimmed.stderr.splitlines()
    quantized = _run("quantize", "small", "--to", "q4_0", "--head", "q8_0")
    assert quantized.stdout.startswith("small-q4_0-head-q8_0 is here: ")
    rows = {line.split()[0]: line for line in _run("list").stdout.splitlines()}
    assert "trimmed from whole.gguf (tokens " in rows["small"]
    assert rows["small-q4_0-head-q8_0"].rstrip().endswith("quantized from small (to Q4_0 head Q8_0)")
    assert _run("remove", "small").stdout.startswith("small is deleted; it was trimmed from whole.gguf (")


def test_mistakes_end_in_one_sentence(whole: str, tmp_path: Path) -> None:
    corpus = str(tmp_path / "code.py")
    for arguments, said in (
        (("trim", whole, "--corpus", str(tmp_path / "none")), "cannot be read"),
        (("trim", whole, "--corpus", corpus, "--tokens", "1"), "too few"),
        (("trim", "nothing", "--corpus", corpus), "There is no checkpoint named 'nothing'"),
        (("quantize", whole, "--to", "Q9"), "'Q9' is not a quantization"),
        (("quantize", whole, "--to", "Q8_0", "--as", "gemma3-270m"), "is taken: choose another with --as"),
    ):
        done = _run(*arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert said in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr


def test_options_that_exclude_each_other_are_told(whole: str, tmp_path: Path) -> None:
    corpus = str(tmp_path / "code.py")
    both = _run("trim", whole, "--corpus", corpus, "--tokens", "9", "--min-count", "2", COLUMNS="200")
    assert (both.returncode, "not both" in both.stderr) == (2, True)
    wrong = _run("trim", whole, "--corpus", corpus, "--characters", "some", COLUMNS="200")
    assert (wrong.returncode, "`all` or `seen`" in wrong.stderr) == (2, True)


def test_what_is_there_is_made_anew_only_by_force(whole: str) -> None:
    assert _run("quantize", whole, "--to", "Q8_0").returncode == 0
    again = _run("quantize", whole, "--to", "Q8_0")
    assert (
        again.stderr == "whole-q8_0 is there already: `--force` makes it anew, `--as` gives the new one another name.\n"
    )
    assert _run("quantize", whole, "--to", "Q8_0", "--force").returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_says_that_nothing_was_kept(whole: str, tmp_path: Path, store: Path) -> None:
    # Whoever presses it reaches both processes: the whole group of the terminal.
    corpus = tmp_path / "large"
    corpus.mkdir()
    for number in range(4000):
        (corpus / f"{number}.py").write_text(_made["CODE"], encoding="utf-8")
    command = _command("trim", whole, "--corpus", str(corpus), "--min-count", "1", "--as", "small")
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True, start_new_session=True) as child:
        assert child.stderr is not None
        while "counting" not in child.stderr.readline():
            assert child.poll() is None
        os.killpg(child.pid, signal.SIGINT)
        said = child.communicate(timeout=20)[1]
    assert child.returncode == 130
    assert said.splitlines()[-1] == "Stopped. Nothing was kept of what was being made."
    assert "Traceback" not in said
    assert not [path for path in store.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_the_language_server_imports_none_of_it() -> None:
    program = "import rung.lsp.cli, sys; print([m for m in sys.modules if m in ('gguf', 'rung.models.reshape')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
