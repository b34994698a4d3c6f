"""`rung bench lines`: its mistakes, its index, and one run with real checkpoints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rung.cascade.bench.lines.tree import Tree
from rung.cascade.task import Rejected, Task, TaskKind
from rung.lsp.bench.tree_search import searches
from rung.lsp.cli.main import app

_SOURCE = '''"""Module {number}."""


def parse_settings_{number}(text, separator):
    """Read settings."""
    settings = {{}}
    for line in text.splitlines():
        name, _, value = line.partition(separator)
        settings[name.strip()] = value.strip()
        count_{number} = len(settings)
    return settings
'''


def write_tree(folder: Path, name: str) -> Path:
    root = folder / name
    root.mkdir(parents=True)
    for number in range(3):
        (root / f"module_{number}.py").write_text(_SOURCE.format(number=number))
    return root


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--small", "nothing"), "There is no checkpoint named 'nothing'"),
        (("--large", "TINY"), "have the same name"),
        (("--tree", "/nowhere"), "/nowhere is not there"),
        (("--tree", "TREE", "--tree", "TREE"), "have the same name (tree, tree)"),
        (("--tree", "TREE", "--tasks", "1000"), "tree gives"),
        (("--tree", "TREE", "--tasks", "4", "--out", "OTHER"), "is no journal of this rung's"),
    ],
)
def test_mistakes_end_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.setenv("RUNG_MODELS_DIR", str(tmp_path))
    other = tmp_path / "other"
    other.mkdir()
    (other / "calls.jsonl").write_text("{}\n")
    named = {"TREE": str(write_tree(tmp_path, "tree")), "OTHER": str(other), "TINY": str(tmp_path / "tiny.gguf")}
    for name in ("tiny.gguf", "large.gguf"):
        (tmp_path / name).write_bytes(b"GGUF")
    command = ["bench", "lines", "--small", named["TINY"], "--large", str(tmp_path / "large.gguf")]
    command += ["--out", str(tmp_path / "out"), *(named.get(each, each) for each in arguments)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


async def test_the_file_that_is_completed_is_not_found_even_if_the_index_is_made_meanwhile(tmp_path: Path) -> None:
    root = write_tree(tmp_path, "tree")
    task = Task(TaskKind.LINE, "def parse_settings_1(text, separator):\n    settings", "", path=root / "module_1.py")
    again = Task(TaskKind.LINE, task.prefix, "", path=task.path, rejected=Rejected("small", "count_1 = len", 0.9))
    before = os.environ.get("RUNG_INDEX_DIR")
    async with searches([Tree("tree", root)], tmp_path) as found:
        search = found["tree"]
        for _ in range(2):  # the index is made by the first, and changed by the second
            async with search.without(root / "module_1.py"):
                chunks = [*await search.retriever.retrieve(task), *await search.retriever.retrieve_again(again)]
            assert {chunk.path for chunk in chunks} == {"module_0.py", "module_2.py"}
            assert not any("count_1" in chunk.text for chunk in chunks)
        assert "module_1.py" in {chunk.path for chunk in await search.retriever.retrieve(task)}
    assert os.environ.get("RUNG_INDEX_DIR") == before


@pytest.mark.real
@pytest.mark.timeout(240)
def test_a_run_with_real_checkpoints_gives_the_same_figures_again(tmp_path: Path, smollm2: Path, gemma3: Path) -> None:
    trees = [write_tree(tmp_path, name) for name in ("one", "two")]
    command = [sys.executable, "-c", "from rung.lsp.cli import main; main()", "bench", "lines", "--tasks", "2"]
    command += ["--small", str(smollm2), "--large", str(gemma3), "--out", str(tmp_path / "out")]
    command += [word for tree in trees for word in ("--tree", str(tree))]
    results = []
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "| both, no early cut " in done.stdout
        results.append((tmp_path / "out" / "results.json").read_bytes())
        calls = (tmp_path / "out" / "calls.jsonl").read_bytes()
    assert results[0] == results[1]
    rows = [json.loads(line) for line in calls.splitlines()[1:]]
    assert len({row["key"] for row in rows}) == len(rows)
    assert {row.get("rung") for row in rows} >= {"smollm2-135m", "gemma3-270m"}
    seconds = [generation["seconds"] for row in rows for generation in row.get("generations", ())]
    assert min(seconds) > 0
    assert "<svg" in (tmp_path / "out" / "report.html").read_text()
    assert [path.name for path in trees[0].iterdir()]  # the user's tree is as it was
    assert (trees[0] / "module_1.py").read_text() == _SOURCE.format(number=1)
