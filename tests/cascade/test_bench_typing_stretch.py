"""Which functions are typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from rung.cascade.bench.data import DataMissing
from rung.cascade.bench.typing.stretch import find_stretches

HEAD = "".join(f"import m{number}\n" for number in range(12))
METHOD = "\tdef method(self):\n\t\tif self.value:\n\t\t\treturn self.value + 1\n\t\treturn None\n"


def tree(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def test_a_function_is_whole_and_what_is_around_it_stays(tmp_path: Path) -> None:
    text = f"{HEAD}\n\nclass A:\n{METHOD}\n\nx = 1\n"
    (stretch,) = find_stretches([tree(tmp_path, a=text, b="", c=HEAD)], 1, 100, 1)
    assert stretch.head + stretch.typed.text + stretch.tail == text
    assert "\t" + stretch.typed.text + "\n" == METHOD
    assert (stretch.typed.indent, stretch.typed.level) == ("\t", "\t")
    assert stretch.tail == "\n\n\nx = 1\n"
    assert stretch.neighbours == ("c.py",)
    assert stretch.name == f"{tmp_path.name}/a.py:16"


def test_the_same_seed_chooses_the_same_functions_and_trees_come_in_turn(tmp_path: Path) -> None:
    trees = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        trees.append(tree(tmp_path / name, **dict.fromkeys("abcd", f"{HEAD}class A:\n{METHOD}")))
    first = find_stretches(trees, 4, 100, 7)
    assert first == find_stretches(trees, 4, 100, 7)
    assert [stretch.tree.name for stretch in first] == ["one", "two", "one", "two"]
    assert len({stretch.name for stretch in first}) == 4


def test_links_files_with_form_feeds_and_binary_ones_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    folder = tree(tmp_path / "code", feed=f"{HEAD}\x0c\nclass A:\n{METHOD}", broken="def f(:\n" * 20)
    (folder / "binary.py").write_bytes(b"\x00\xff" * 99)
    (tmp_path / "outside.py").write_text(f"{HEAD}class A:\n{METHOD}")
    (folder / "link.py").symlink_to(tmp_path / "outside.py")
    with pytest.raises(DataMissing, match="gives 0 functions of 50 to 100 keys"):
        find_stretches([folder], 1, 100, 1)


def test_a_tree_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match="name a folder of Python source"):
        find_stretches([tmp_path / "none"], 1, 100, 1)


def test_a_body_beside_its_signature_says_nothing_of_the_levels(tmp_path: Path) -> None:
    text = f"{HEAD}\ndef function(\n    first: int, second: int, third: int\n) -> None: ...\n"
    (stretch,) = find_stretches([tree(tmp_path, a=text)], 1, 100, 1)
    assert stretch.typed.level == "    "
