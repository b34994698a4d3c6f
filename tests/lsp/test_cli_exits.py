"""`rung exits`: from a folder with a model to a file, and sentences where that cannot be."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rung.lsp.cli.main import app

_made = runpy.run_path(str(Path(__file__).parents[1] / "models" / "server_made.py"))
CODE = "def add(first, second):\n    total = first + second\n    return total\n\n\nclass Thing:\n    name = 'x'\n" * 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With `model` and two trees of source, `mine` and `other`."""
    made = tmp_path_factory.mktemp("exits")
    _made["llama"]().save_pretrained(made / "model")
    _made["tokenizer"]().save_pretrained(made / "model")
    for name in ("mine", "other"):
        (made / name).mkdir()
        for number in range(6):
            (made / name / f"{number}.py").write_text(CODE.replace("Thing", f"{name}{number}"), encoding="utf-8")
    return made


def _rung(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    return done.exit_code, done.output


def test_a_study_of_trained_exits_prints_tables_and_keeps_all_figures(folder: Path) -> None:
    file, figures = folder / "made.exits", folder / "study.json"
    code, said = _rung(
        *("exits", "train", folder / "model", "--tree", folder / "mine", "--out", file, "--tokens", 4000),
        *("--loss", 0.4),
    )
    assert code == 0, said
    assert "is written" in said
    losses = [line for line in said.splitlines() if re.match(r"\|\s*0\.\d+ ", line)]
    assert [float(line.split("|")[1]) for line in losses] == [0.005, 0.01, 0.02, 0.05, 0.1, 0.4]
    spared = [float(line.split("|")[3].strip(" %")) for line in losses]
    assert spared[0] <= spared[-1], "who may lose more spares more"
    code, said = _rung(
        *("exits", "study", folder / "model", "--exits", file, "--tree", folder / "other", "--tasks", 4),
        *("--read", 1000, "--tokens", 6, "--out", figures),
    )
    assert code == 0, said
    found = json.loads(figures.read_text(encoding="utf-8"))
    assert [row["name"] for row in found["rows"]] == ["no exits", "Exit", "Exit and Stop"]
    assert found["rows"][0]["skipped"] == 0
    assert found["rows"][0]["same"] == 1
    assert len(found["studied"]["completions"]) == len(found["tasks"]) == 4
    for row in found["rows"]:
        assert row["name"] in said


def test_without_source_nothing_is_written(folder: Path, tmp_path: Path) -> None:
    code, said = _rung("exits", "train", folder / "model", "--tree", tmp_path, "--out", tmp_path / "made")
    assert code == 1
    assert "no source file" in said
    assert not (tmp_path / "made").exists()


def test_a_folder_for_the_file_that_is_not_there_is_told_before_the_work(folder: Path, tmp_path: Path) -> None:
    code, said = _rung(
        *("exits", "train", folder / "model", "--tree", folder / "mine", "--out", tmp_path / "no" / "made")
    )
    assert code == 1
    assert "make the folder" in said


def test_a_checkpoint_that_is_not_there_is_told(folder: Path, tmp_path: Path) -> None:
    code, said = _rung("exits", "train", tmp_path / "gone.gguf", "--tree", folder / "mine", "--out", tmp_path / "made")
    assert code == 1
    assert "gone.gguf" in said
    assert "Traceback" not in said


def test_a_file_that_is_no_exits_is_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "odd").write_bytes(b"nothing of the kind")
    code, said = _rung("exits", "study", folder / "model", "--exits", tmp_path / "odd", "--tree", folder / "other")
    assert code == 1
    assert "rung exits train" in said
