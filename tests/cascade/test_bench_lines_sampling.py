"""Tasks from source trees: the whole file around each, spread, the same again, and only from a package's own files."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rung.cascade.bench.data import DataMissing
from rung.cascade.bench.lines.case import Case, Cut, Kind
from rung.cascade.bench.lines.code import read_code
from rung.cascade.bench.lines.sampling import IMPORTS, sample
from rung.cascade.bench.lines.tree import Tree, copy_sources, own_sources, source_text

from .lines_made import module, tree
from .lines_sources import SOURCES


def test_a_task_and_what_is_around_it_are_the_file(tmp_path: Path) -> None:
    trees = [tree(tmp_path, "one", 8), tree(tmp_path, "two", 8)]
    roots = {each.name: each.root for each in trees}
    cases = sample(trees, 60, seed=0)
    for case in cases:
        assert case.before + case.truth + case.after == (roots[case.package] / case.path).read_text(encoding="utf-8")
        assert case.before.endswith(case.begun)
        row = case.before.count("\n") + 1
        column = len(case.before.rpartition("\n")[2])
        assert case.id == f"{case.package}/{case.path}:{row}:{column}:{case.kind}"
    assert len({case.id for case in cases}) == len(cases)


@settings(max_examples=40)
@given(st.lists(SOURCES, min_size=1, max_size=3), st.integers(0, 99))
def test_whatever_the_files_are_each_task_is_a_part_of_its_statement(sources: list[str], seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for number, source in enumerate(sources):
            Path(folder, f"m{number}.py").write_text(source, encoding="utf-8")
        cases = [case for count in (2, 8) for case in _sampled(Tree("made", Path(folder)), count, seed)]
    for case in cases:
        source = sources[int(case.path[1])]
        assert case.before + case.truth + case.after == source
        assert case.before.endswith(case.begun)
        code = read_code(source)
        assert code is not None
        begin, end = len(case.before) - len(case.begun), len(case.before) + len(case.truth)
        stretches = code.lines if case.kind is Kind.LINE else code.statements
        assert (begin, end) in {(stretch.begin, stretch.end) for stretch in stretches}


def _sampled(tree: Tree, count: int, seed: int) -> list[Case]:
    try:
        return sample([tree], count, seed)
    except DataMissing:
        return []


def test_tasks_are_spread_over_packages_files_kinds_and_cuts(tmp_path: Path) -> None:
    trees = [tree(tmp_path, "one", 20), tree(tmp_path, "two", 20)]
    cases = sample(trees, 32, seed=0)
    assert [case.package for case in cases] == ["one", "two"] * 16
    assert Counter(case.path for case in cases).most_common(1)[0][1] <= 2
    assert Counter((case.kind, case.cut) for case in cases) == {
        (Kind.LINE, Cut.START): 16,
        **{(Kind.STATEMENT, cut): 4 for cut in Cut},
    }


def test_two_tasks_never_share_a_row(tmp_path: Path) -> None:
    cases = sample([tree(tmp_path, "one", 2)], 16, seed=3)
    rows = Counter(
        (case.path, row)
        for case in cases
        for row in range(case.before.count("\n") - case.begun.count("\n"), (case.before + case.truth).count("\n") + 1)
    )
    assert set(rows.values()) == {1}


def test_the_same_seed_gives_the_same_tasks_and_another_one_others(tmp_path: Path) -> None:
    trees = [tree(tmp_path, "one", 20)]
    assert sample(trees, 20, seed=1) == sample(trees, 20, seed=1)
    assert sample(trees, 20, seed=1) != sample(trees, 20, seed=2)
    assert sample(trees, 20, seed=1)[:10] == sample(trees, 10, seed=1)


def test_imports_are_few(tmp_path: Path) -> None:
    root = tmp_path / "imports"
    root.mkdir()
    for number in range(60):
        text = "import os\nimport sys\nimport json\n" + f"value_{number} = function(os, sys)\n"
        (root / f"module_{number}.py").write_text(text)
    cases = sample([Tree("imports", root)], 60, seed=0)
    assert 1 <= sum("import" in case.begun + case.truth for case in cases) <= IMPORTS * 60


def test_tests_vendored_and_generated_files_give_no_tasks(tmp_path: Path) -> None:
    made = tree(tmp_path, "one", 2)
    for path in ("_vendor/a.py", "test_b.py", "c_test.py", "conftest.py", ".hidden/d.py", "env/lib.py", "e.txt"):
        at = made.root / path
        at.parent.mkdir(exist_ok=True)
        at.write_text("x = function(1)\n")
    (made.root / "env" / "pyvenv.cfg").write_text("")
    assert own_sources(made) == ["module_0.py", "module_1.py"]
    generated = made.root / "generated.py"
    generated.write_text("# Automatically generated, do not edit\nx = function(1)\n")
    assert source_text(generated) is None


@pytest.mark.parametrize(
    "content", [b"\xff = 1\n", b"x = 1\r\n", b"x = 1\n\0", b"\xef\xbb\xbfx = 1\n", b"# " * 200_000]
)
def test_files_that_no_editor_shows_as_they_are_give_no_tasks(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.py"
    path.write_bytes(content)
    assert source_text(path) is None


def test_a_folder_is_copied_without_links_pipes_and_what_is_no_python(tmp_path: Path) -> None:
    own = tree(tmp_path, "own", 2).root
    (own / "data.bin").write_bytes(b"\0")
    (own / "link.py").symlink_to(own / "module_0.py")
    (own / "loop").symlink_to(own)
    os.mkfifo(own / "pipe.py")
    copy_sources(own, tmp_path / "copy")
    copied = sorted(path.relative_to(tmp_path / "copy").as_posix() for path in (tmp_path / "copy").rglob("*.*"))
    assert copied == ["module_0.py", "module_1.py", "tests/test_all.py"]
    assert (tmp_path / "copy" / "module_1.py").read_text() == module(1)


def test_trees_that_are_missing_empty_or_too_small_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match="is not there"):
        copy_sources(tmp_path / "none", tmp_path / "copy")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataMissing, match="has no Python file"):
        copy_sources(tmp_path / "empty", tmp_path / "copy")
    with pytest.raises(DataMissing, match=r"one gives \d+ tasks and not 1000"):
        sample([tree(tmp_path, "one", 1)], 1000, seed=0)
