"""Own checkpoints, finding and removing, and the catalogue's own data."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from rung.models.catalogue import (
    CATALOGUE,
    CheckpointMissing,
    InvalidCheckpoint,
    StoreError,
    add,
    find,
    installed,
    pull,
    remove,
)
from rung.models.catalogue.entry import Wheels
from rung.models.catalogue.store import Checkpoint, Store, is_name

_made = runpy.run_path(str(Path(__file__).with_name("catalogue_made.py")))
tiny_gguf = _made["tiny_gguf"]


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RUNG_MODELS_DIR", str(tmp_path / "store"))
    return tmp_path / "store"


def _own(tmp_path: Path, file: str = "My Model.gguf") -> Path:
    path = tmp_path / file
    path.write_bytes(tiny_gguf())
    return path


def _pulled(store: Path, name: str = "smollm2-135m") -> Checkpoint:
    path = store / f"{name}.gguf"
    store.mkdir(exist_ok=True)
    path.write_bytes(tiny_gguf())
    record = Checkpoint(name, path, "t", "MIT", path.stat().st_size, 8, 1, None, own=False, sha256="0" * 64)
    Store().put(record)
    return record


def test_an_own_file_is_registered_where_it_lies(tmp_path: Path, store: Path) -> None:
    path = _own(tmp_path)
    checkpoint = add(path)
    assert (checkpoint.name, checkpoint.path, checkpoint.own) == ("my-model", path, True)
    assert find("my-model") == path
    assert installed() == [checkpoint]
    assert not list(store.glob("*.gguf"))


def test_adding_again_gives_the_same_name_and_another_file_another(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    names = [add(p).name for p in (_own(tmp_path), _own(tmp_path), _own(tmp_path / "b", "my-model.gguf"))]
    assert names == ["my-model", "my-model", "my-model-2"]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("Qwen2.5-Coder-1.5B.Q4_K_M.gguf", "qwen2.5-coder-1.5b.q4_k_m"),
        ("modèle à moi.gguf", "modele-a-moi"),
        ("模型.gguf", "checkpoint"),
        ("con.gguf", "con-2"),
        ("gemma3-270m.gguf", "gemma3-270m-2"),
        ("x" * 200 + ".gguf", "x" * 56),
    ],
)
def test_a_name_is_made_of_the_file_name(tmp_path: Path, file: str, name: str) -> None:
    assert add(_own(tmp_path, file)).name == name
    assert is_name(name)


@pytest.mark.parametrize("name", ["", "../up", "A", "a/b", "con", "smollm2-135m", "x.gguf", "a" * 65, "a\n"])
def test_a_name_that_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match=r"cannot be a name|is taken"):
        add(_own(tmp_path), name)


def test_what_is_no_checkpoint_is_not_registered(tmp_path: Path) -> None:
    (tmp_path / "text.gguf").write_text("hello")
    with pytest.raises(InvalidCheckpoint, match="letters GGUF"):
        add(tmp_path / "text.gguf")
    for path in (tmp_path / "none.gguf", tmp_path, Path("a\0b")):
        with pytest.raises(CheckpointMissing, match="cannot be read"):
            add(path)
    assert installed() == []


def test_removing_an_own_checkpoint_leaves_its_file(tmp_path: Path) -> None:
    path = _own(tmp_path)
    remove(add(path).name)
    assert path.exists()
    assert installed() == []


def test_removing_a_pulled_checkpoint_deletes_it(store: Path) -> None:
    record = _pulled(store)
    remove(record.name)
    assert not record.path.exists()
    assert installed() == []
    with pytest.raises(CheckpointMissing, match="not here"):
        remove(record.name)


def test_removing_takes_what_was_pulled_in_part(store: Path) -> None:
    (store / "partial").mkdir(parents=True)
    (store / "partial" / "gemma3-270m.part").write_bytes(b"GGUF")
    remove("gemma3-270m")
    assert not list((store / "partial").iterdir())


@pytest.mark.parametrize("name", ["../records/x", "nothing", "a/b"])
def test_removing_what_is_not_there_is_told(name: str) -> None:
    with pytest.raises(CheckpointMissing):
        remove(name)


def test_what_another_process_pulls_cannot_be_removed(store: Path) -> None:
    record = _pulled(store)
    holds = f"""
from rung.models.catalogue.store import Store
with Store().locked({record.name!r}):
    print("held", flush=True)
    input()
"""
    with subprocess.Popen([sys.executable, "-c", holds], stdin=-1, stdout=-1, env=os.environ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with pytest.raises(StoreError, match="still works on smollm2-135m"):
            remove(record.name)
        child.communicate(b"\n")
    assert record.path.exists()


def test_a_catalogue_name_that_is_not_here_says_how_to_get_it() -> None:
    with pytest.raises(CheckpointMissing, match="run `rung models pull smollm2-135m`"):
        find("smollm2-135m")


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(CheckpointMissing, match="did you mean smollm2-135m"):
        find("smollm-135m")
    with pytest.raises(CheckpointMissing, match="rung models list"):
        pull("zzz")


def test_a_path_is_found_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _own(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert find(str(path)) == find("./My Model.gguf") == path
    (tmp_path / "bad.gguf").write_text("PK")
    with pytest.raises(InvalidCheckpoint):
        find("bad.gguf")
    for missing in ("none.gguf", "./none", "a/\0", "/" + "x" * 5000):
        with pytest.raises(CheckpointMissing, match="cannot be read"):
            find(missing)


def test_a_pulled_file_that_was_cut_or_deleted_is_missing(store: Path) -> None:
    record = _pulled(store)
    record.path.write_bytes(b"GGUF")
    with pytest.raises(CheckpointMissing, match="rung models pull"):
        find(record.name)
    assert installed() == []


def test_an_own_file_that_is_gone_is_told(tmp_path: Path) -> None:
    path = _own(tmp_path)
    add(path)
    path.unlink()
    with pytest.raises(CheckpointMissing, match="is gone: run `rung models remove my-model`"):
        find("my-model")


def test_the_store_can_be_moved(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = _pulled(store)
    store.rename(tmp_path / "moved")
    monkeypatch.setenv("RUNG_MODELS_DIR", str(tmp_path / "moved"))
    assert find(record.name) == tmp_path / "moved" / record.path.name


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": "other"}', '{"name": "my-model", "path": 3}'])
def test_a_record_that_cannot_be_read_is_as_if_it_were_not_there(tmp_path: Path, store: Path, content: str) -> None:
    add(_own(tmp_path))
    (store / "records" / "my-model.json").write_text(content)
    assert installed() == []
    assert add(tmp_path / "My Model.gguf").name == "my-model"


def test_a_store_that_cannot_be_used_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RUNG_MODELS_DIR", str(tmp_path / "file"))
    for call in (lambda: pull("smollm2-135m"), lambda: add(_own(tmp_path)), lambda: find("smollm2-135m")):
        with pytest.raises(StoreError, match="RUNG_MODELS_DIR"):
            call()


def test_the_catalogue_is_sound() -> None:
    for name, entry in CATALOGUE.items():
        assert is_name(name)
        assert entry.name == name
        assert entry.sources
        assert entry.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", entry.sha256)
        assert entry.terms or entry.licence == "Apache-2.0"
        for source in entry.sources:
            if isinstance(source, Wheels):
                assert entry.sha256
                assert sum(part.size for part in source.parts) == entry.size
