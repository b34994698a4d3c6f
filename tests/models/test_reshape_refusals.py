"""What cannot be made, or is stopped while it is made, ends in a sentence and leaves the store as it was."""

from __future__ import annotations

import runpy
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rung.models.catalogue import CatalogueError, InvalidCheckpoint, StoreError, add, installed, remove
from rung.models.catalogue.store import Store
from rung.models.reshape import ReshapeFailed, Wanted, child, quantize, trim
from rung.models.reshape.corpus import MAX_FILE_BYTES, source_files
from rung.models.reshape.layout import Layout
from rung.models.reshape.tokenizer import tokenizer_of

_made = runpy.run_path(str(Path(__file__).with_name("reshape_made.py")))
_catalogue = runpy.run_path(str(Path(__file__).with_name("catalogue_made.py")))
ENOUGH = Wanted(min_count=1)

# Run in a process of its own: python -c MAKE bytes-limit command path corpus.
MAKE = """
import sys
from pathlib import Path
from rung.models.catalogue import CatalogueError
from rung.models.reshape import Wanted, quantize, trim
limit, command, path, corpus = int(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4])
if limit:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
class Told:
    def note(self, sentence): pass
    def advance(self, stage, done, total): print(stage, flush=True)
try:
    if command == "trim":
        trim(path, [corpus], Wanted(min_count=1), new_name="new", progress=Told())
    else:
        quantize(path, "Q8_0", new_name="new", progress=Told())
except CatalogueError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RUNG_MODELS_DIR", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "code.py"
    path.write_text(_made["CODE"], encoding="utf-8")
    return path


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    path: Path = _made["sentencepiece"](tmp_path / "whole.gguf")
    return path


def _files(store: Path) -> list[str]:
    return [str(path.relative_to(store)) for path in store.rglob("*") if path.is_file() and path.suffix != ".lock"]


@pytest.mark.parametrize("kind", ["bert", "t5", "rwkv", "none", ""])
def test_a_tokenizer_of_another_kind_is_refused(tmp_path: Path, corpus: Path, kind: str) -> None:
    path = _made["sentencepiece"](tmp_path / "w.gguf", pairs={"tokenizer.ggml.model": kind})
    with pytest.raises(ReshapeFailed, match=r"The tokenizer of w.gguf is .*\(gpt2, llama\)\."):
        trim(str(path), [corpus], ENOUGH)


@pytest.mark.parametrize(
    ("make", "key"),
    [
        ("sentencepiece", "tokenizer.ggml.scores"),
        ("sentencepiece", "tokenizer.ggml.tokens"),
        ("byte_pair", "tokenizer.ggml.merges"),
    ],
)
def test_an_incomplete_tokenizer_is_refused(tmp_path: Path, corpus: Path, make: str, key: str) -> None:
    path = _made[make](tmp_path / "w.gguf", drop=key)
    with pytest.raises(ReshapeFailed, match="is incomplete"):
        trim(str(path), [corpus], ENOUGH)


def test_a_vocabulary_without_bytes_is_refused(tmp_path: Path, corpus: Path) -> None:
    path = _made["sentencepiece"](tmp_path / "w.gguf", drop="tokenizer.ggml.token_type")
    with pytest.raises(ReshapeFailed, match="no tokens for single bytes"):
        trim(str(path), [corpus], ENOUGH)


def test_a_file_that_is_no_language_model_is_refused(tmp_path: Path, corpus: Path) -> None:
    (tmp_path / "tiny.gguf").write_bytes(_catalogue["tiny_gguf"]())
    with pytest.raises(ReshapeFailed):
        trim(str(tmp_path / "tiny.gguf"), [corpus], ENOUGH)
    with pytest.raises(ReshapeFailed, match="llama"):
        quantize(str(tmp_path / "tiny.gguf"), "Q8_0")


def test_too_few_and_too_many_tokens_are_refused_with_the_number_that_is_needed(whole: Path, corpus: Path) -> None:
    with pytest.raises(
        ReshapeFailed, match=r"100 tokens are too few: .* alone are \d+; ask for more, or `--characters"
    ):
        trim(str(whole), [corpus], Wanted(tokens=100))
    with pytest.raises(ReshapeFailed, match="no trimming"):
        trim(str(whole), [corpus], Wanted(tokens=100_000))


def test_only_the_characters_of_the_corpus_stay_where_that_is_asked(whole: Path, corpus: Path) -> None:
    names = {}
    for every in (True, False):
        wanted = Wanted(min_count=2, all_characters=every)
        names[every] = trim(str(whole), [corpus], wanted, new_name=f"a{every:d}").checkpoint.path
    texts = {every: set(tokenizer_of(Layout(path)).texts) for every, path in names.items()}
    assert "🦜" in texts[True]
    assert len(texts[False]) <= len(texts[True])
    assert "ß" in texts[False]


def test_a_name_is_checked_before_the_work_begins(whole: Path, corpus: Path, tmp_path: Path) -> None:
    add(whole, "mine")
    quantize("mine", "Q8_0", new_name="made")
    missing = tmp_path / "no corpus is read"
    for name in ("mine", "smollm2-135m", "A", "made"):
        for replace in (False, True)[: 1 if name == "made" else 2]:
            with pytest.raises(StoreError, match="--as"):
                trim("mine", [missing], ENOUGH, new_name=name, replace=replace)
            with pytest.raises(StoreError, match="--as"):
                quantize("mine", "Q8_0", new_name=name, replace=replace)
    with pytest.raises(StoreError, match="--as"):
        quantize("made", "F16", new_name="made", replace=True)
    assert [record.name for record in installed()] == ["made", "mine"]


def test_force_replaces_what_rung_made(whole: Path) -> None:
    first = quantize(str(whole), "F16", new_name="made")
    second = quantize(str(whole), "Q8_0", new_name="made", replace=True)
    assert first.sha256 != second.sha256
    assert installed() == [second]


def test_types_that_are_not_known_are_refused_with_those_that_are(whole: Path) -> None:
    with pytest.raises(ReshapeFailed, match=r"'Q9_9' is not a quantization .* Q8_0"):
        quantize(str(whole), "Q9_9")
    with pytest.raises(ReshapeFailed, match=r"'IQ1_S' is not a type for the head .* Q4_0"):
        quantize(str(whole), "Q8_0", head="IQ1_S")


def test_names_that_lead_nowhere_are_told(corpus: Path) -> None:
    for make in (lambda name: trim(name, [corpus], ENOUGH), lambda name: quantize(name, "Q8_0")):
        for name in ("nothing", "none/there.gguf"):
            with pytest.raises(CatalogueError):
                make(name)


@pytest.mark.parametrize("stage", ["writing", "checking"])
def test_a_stop_leaves_nothing(whole: Path, corpus: Path, store: Path, stage: str) -> None:
    class Stops:
        def note(self, sentence: str) -> None: ...

        def advance(self, at: str, done: int, total: int) -> None:
            if at == stage:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trim(str(whole), [corpus], ENOUGH, new_name="new", progress=Stops())
    assert _files(store) == []


def _process(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", MAKE, *arguments], stdout=-1, stderr=-1, text=True, **options)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process")
@pytest.mark.parametrize("command", ["trim", "quantize"])
def test_a_full_disk_is_told_and_leaves_nothing(whole: Path, corpus: Path, store: Path, command: str) -> None:
    with _process("16384", command, str(whole), str(corpus)) as done:
        said = done.communicate(timeout=60)[1]
    assert done.returncode == 1
    assert said.startswith("DiskFull: ")
    assert said.count("\n") == 1
    assert _files(store) == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_what_a_kill_left_is_never_found_and_goes_with_the_next_making(whole: Path, corpus: Path, store: Path) -> None:
    with _process("0", "trim", str(whole), str(corpus)) as making:
        assert making.stdout is not None
        while making.stdout.readline() != "writing\n":
            assert making.poll() is None
        making.send_signal(signal.SIGKILL)
        making.communicate(timeout=20)
    assert installed() == []
    assert not (store / "new.gguf").exists()
    (store / "partial" / "new.making").write_bytes(b"half")
    assert trim(str(whole), [corpus], ENOUGH, new_name="new").checkpoint.present
    assert not (store / "partial" / "new.making").exists()


def test_a_left_half_can_be_removed_by_its_name(store: Path) -> None:
    Store().folder.joinpath("partial").mkdir(parents=True)
    (store / "partial" / "new.making").write_bytes(b"half")
    assert remove("new") is None
    assert _files(store) == []


def test_a_made_checkpoint_is_deleted_and_its_material_stays(whole: Path, store: Path) -> None:
    made = quantize(str(whole), "Q8_0", new_name="made")
    remove("made")
    assert whole.exists()
    assert not made.path.exists()
    assert installed() == []


def test_two_cannot_make_the_same_name_at_once(whole: Path, corpus: Path) -> None:
    with Store().locked("new"), pytest.raises(StoreError, match="still works on new"):
        trim(str(whole), [corpus], ENOUGH, new_name="new")


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import os; os.abort()", "by SIGABRT"),
        (
            "import sys; print('GGML_ASSERT(rows) failed', file=sys.stderr); sys.exit(3)",
            "status 3 after saying 'GGML_A",
        ),
        ("print('no protocol')", "not its protocol"),
        ("print('[1]')", "not its protocol"),
    ],
)
def test_a_crash_of_llama_cpp_is_a_sentence(
    whole: Path, store: Path, monkeypatch: pytest.MonkeyPatch, program: str, said: str
) -> None:
    monkeypatch.setattr(child, "_COMMAND", (sys.executable, "-c", program))
    with pytest.raises(ReshapeFailed, match=said):
        quantize(str(whole), "Q8_0", new_name="new")
    assert _files(store) == []


def test_a_llama_cpp_that_hangs_is_ended(whole: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "STALL_S", 0.3)
    monkeypatch.setattr(child, "_COMMAND", (sys.executable, "-c", "import time; time.sleep(60)"))
    began = time.monotonic()
    with pytest.raises(ReshapeFailed, match="said nothing for"):
        quantize(str(whole), "Q8_0", new_name="new")
    assert time.monotonic() - began < 30
    assert _files(store) == []


@pytest.mark.parametrize("make", ["sentencepiece", "byte_pair"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_refused_or_read_and_nothing_else(tmp_path: Path, make: str, data: st.DataObject) -> None:
    path = tmp_path / f"{make}.gguf"
    if not path.exists():
        _made[make](path)
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, 3000))] = data.draw(st.integers(0, 255))
    raw = raw[: data.draw(st.one_of(st.just(len(raw)), st.integers(0, len(raw))))]
    (tmp_path / "damaged.gguf").write_bytes(raw)
    with suppress(CatalogueError):
        tokenizer = tokenizer_of(Layout(tmp_path / "damaged.gguf"))
        assert len(tokenizer.texts) == len(tokenizer.types)


def test_a_cut_off_file_is_refused_by_both(whole: Path, corpus: Path) -> None:
    whole.write_bytes(whole.read_bytes()[:-100])
    for make in (lambda: trim(str(whole), [corpus], ENOUGH), lambda: quantize(str(whole), "Q8_0")):
        with pytest.raises(InvalidCheckpoint, match="cut off"):
            make()


def test_a_corpus_is_source_files_below_folders_and_files_as_they_are_named(tmp_path: Path) -> None:
    _write(tmp_path, "a.py", "b/c.rs", "b/data.bin", "node_modules/x.js", ".git/y.py", "b/.hidden.py", "notes.txt")
    (tmp_path / "large.py").write_bytes(b" " * (MAX_FILE_BYTES + 1))
    found = source_files([tmp_path, tmp_path / "notes.txt", tmp_path / "a.py"])
    assert sorted(path.name for path in found) == [".hidden.py", "a.py", "c.rs", "notes.txt"]


@pytest.mark.parametrize("path", ["nothing", "nul\0l", "empty"])
def test_a_corpus_that_is_not_there_is_told(tmp_path: Path, path: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReshapeFailed):
        source_files([tmp_path / path])


def test_files_that_are_no_text_do_not_count(whole: Path, tmp_path: Path, corpus: Path) -> None:
    _write(tmp_path, "latin.py", "nul.py")
    (tmp_path / "latin.py").write_bytes(b"caf\xe9 = 1\n")
    (tmp_path / "nul.py").write_bytes(b"a\0b")
    done = trim(str(whole), [tmp_path / "latin.py", tmp_path / "nul.py", corpus], ENOUGH)
    assert (done.files, done.corpus_bytes) == (1, corpus.stat().st_size)
    with pytest.raises(ReshapeFailed, match="no text in UTF-8"):
        trim(str(whole), [tmp_path / "nul.py"], ENOUGH, new_name="other")


def test_tokens_that_llama_cpp_takes_when_none_are_named_stay_the_same(tmp_path: Path, corpus: Path) -> None:
    path = _made["byte_pair"](tmp_path / "w.gguf", drop="tokenizer.ggml.bos_token_id")
    before = tokenizer_of(Layout(path))
    after = tokenizer_of(Layout(trim(str(path), [corpus], ENOUGH).checkpoint.path))
    assert before.ids["bos"] == 11
    assert after.texts[after.ids["bos"]] == before.texts[11]
    assert (
        Layout(trim(str(path), [corpus], ENOUGH, replace=True).checkpoint.path).integer("tokenizer.ggml.bos_token_id")
        == after.ids["bos"]
    )


def _write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x = 1\n")
